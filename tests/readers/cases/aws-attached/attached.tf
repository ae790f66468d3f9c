locals {
  own = [aws_security_group.eni_db.id, aws_security_group.eni_jb.id]
}
resource "aws_instance" "each" {
  for_each               = toset(["db", "jb"])
  ami                    = "ami-03cf127a"
  instance_type          = "t3.micro"
  subnet_id              = "subnet-0123456789abcdef0"
  vpc_security_group_ids = [aws_security_group.eni_internal.id]
  tags                   = { Name = each.key }
}
resource "aws_network_interface_sg_attachment" "each" {
  for_each             = { db = aws_security_group.eni_db.id, jb = aws_security_group.eni_jb.id }
  network_interface_id = aws_instance.each[each.key].primary_network_interface_id
  security_group_id    = each.value
}
resource "aws_instance" "number" {
  count                  = 2
  ami                    = "ami-03cf127a"
  instance_type          = "t3.micro"
  subnet_id              = "subnet-0123456789abcdef0"
  vpc_security_group_ids = [aws_security_group.eni_internal.id]
}
resource "aws_network_interface_sg_attachment" "number" {
  count                = 2
  network_interface_id = aws_instance.number[count.index].primary_network_interface_id
  security_group_id    = local.own[count.index]
}
resource "aws_network_interface" "port" {
  for_each        = toset(["db", "jb"])
  subnet_id       = "subnet-0123456789abcdef0"
  security_groups = [aws_security_group.eni_internal.id]
}
resource "aws_network_interface_sg_attachment" "port" {
  for_each             = { db = aws_security_group.eni_db.id, jb = aws_security_group.eni_jb.id }
  network_interface_id = aws_network_interface.port[each.key].id
  security_group_id    = each.value
}
