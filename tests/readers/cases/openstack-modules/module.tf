terraform {
 required_providers {
 openstack = { source = "terraform-provider-openstack/openstack" }
 }
}

variable "name" {}
variable "rules" { type = any }
variable "groups" { default = {} }
resource "openstack_networking_secgroup_v2" "this" {
  name = var.name
  delete_default_rules = true
}
resource "openstack_networking_secgroup_rule_v2" "this" {
  for_each = var.rules
  security_group_id = openstack_networking_secgroup_v2.this.id
  direction = lookup(each.value, "direction", "ingress")
  ethertype = lookup(each.value, "ethertype", "IPv4")
  protocol = lookup(each.value, "protocol", null)
  port_range_min = lookup(each.value, "from", null)
  port_range_max = lookup(each.value, "to", lookup(each.value, "from", null))
  remote_ip_prefix = lookup(each.value, "cidr", null)
  remote_group_id = lookup(each.value, "self", false) ? openstack_networking_secgroup_v2.this.id : lookup(each.value, "group", null)
}
output "id" { value = openstack_networking_secgroup_v2.this.id }
