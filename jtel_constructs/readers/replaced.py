"""Groups that a plan makes anew under the name that the old ones still have: the apply ends with an error.

Such a plan comes from `-replace` or from a tainted group. Sources: EC2's CreateSecurityGroup (a name is unique in its
VPC); azurerm asks for a group of that name before it makes one ("already exists - to be managed via Terraform this
resource needs to be imported"). To Neutron a name is a label, and there may be two of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import folded

# where a name is unique, by cloud
_WITHIN = {"aws": "vpc_id", "azure": "resource_group_name"}
_ENDS = {
    "aws": "EC2 refuses that (InvalidGroup.Duplicate)",
    "azure": 'azurerm refuses that ("already exists"), and interfaces may have been taken out of the old one by then',
}


def meeting_themselves(cloud: str, document: Document, groups: Iterable[Resource]) -> Iterator[Difference]:
    """What becomes of these groups cannot be told: the plan that was read is not carried out to its end."""
    if cloud not in _WITHIN:
        return
    for group in groups:
        before = document.made_anew.get(group.address)
        name = group.values.get("name")
        if before is None or not isinstance(name, str) or folded(cloud, str(before.get("name"))) != folded(cloud, name):
            continue
        place, was = (str(values.get(_WITHIN[cloud])).lower() for values in (group.values, before))
        if place == was:
            yield untold(
                group.address,
                f"this plan makes {name} anew while the old group has that name still: {_ENDS[cloud]}, and what holds "
                "then is not what is planned",
                name,
                settle=f"leave -replace out, or, if the group is tainted, `terraform untaint {group.address}`; then "
                "plan again",
            )
