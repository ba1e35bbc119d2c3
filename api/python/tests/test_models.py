"""Models: the schema's rules refuse here what the server would refuse, and say the same."""

import pydantic
import pytest

import patronus_sdwan as p
from patronus_sdwan import rules

LINK = {
    "name": "organizations/acme/sites/nyc/links/inet0",
    "edge": "organizations/acme/sites/nyc/edges/e1",
    "interface": "wan0",
    "address": "192.0.2.2",
    "underlay": "internet",
}


def refusal(model, **values):
    """Place and text of the one fault."""
    with pytest.raises(pydantic.ValidationError) as caught:
        model(**values)
    (fault,) = caught.value.errors()
    return ".".join(map(str, fault["loc"])), fault["msg"]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("address", "192.0.2", "is not an IP address"),
        ("address", "2001:DB8::1", "write 2001:db8::1"),
        ("interface", "a-name-that-is-long", "1 to 15 printable characters"),
        ("underlay", "Internet", "is not an id"),
        ("edge", "e1", "organizations/my-organization/sites/my-site/edges/my-edge"),
        ("cost", 65536, "0 to 65535"),
        ("mtu", -1, "0 to 9216"),
        ("provider", "x" * 1025, "at most 1024"),
        ("provider", "a\0b", "NUL"),
        ("srlgs", [1, 1], "twice"),
        ("srlgs", list(range(33)), "at most 32"),
        ("labels", {f"k{i}": "v" for i in range(65)}, "at most 64"),
        ("labels", {"k": "x" * 257}, "at most 256"),
        ("underlay", "", "is required"),
        ("name", "organizations/acme/sites/nyc", "is not a name of this kind"),
        ("colour", "red", "Extra inputs"),
    ],
)
def test_refuses(field, value, says):
    place, text = refusal(p.Link, **{**LINK, field: value})
    assert place.split(".")[0] == field
    assert says in text


def test_sizes_are_bytes_not_letters():
    assert p.Link(**LINK, provider="é" * 512).provider
    assert "1026 bytes" in refusal(p.Link, **LINK, provider="é" * 513)[1]


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.ID, ["a", "a1", "a-1", "a" * 63], ["1a", "a-", "A", "a" * 64, "a_b"]),
        (rules.IP, ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"], ["1.2.3", "01.2.3.4", "::FFFF", "fe80::1%eth0x/"]),
        (rules.IP_PREFIX, ["10.0.0.0/8", "::/0"], ["10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "2001:DB8::/32"]),
        (rules.IP_INTERFACE, ["10.0.0.1/8", "2001:db8::1/64"], ["10.0.0.1", "10.0.0.1/33"]),
        (
            rules.HOST_PORT,
            ["a.example:1", "[::1]:65535", "192.0.2.1:7400"],
            ["a", "a:0", "a:65536", "a:01", "::1:80", "10.0.0.300:1", "[a]:1", ":1"],
        ),
        (rules.FQDN, ["a", "*.a.b", "x_y.z"], ["", "-a", "a..b", "a.", "*", "a" * 64]),
        (rules.IFNAME, ["wan0", "x" * 15], [".", "..", "a b", "a/b", "a:b", "x" * 16]),
        (rules.SHA256_HEX, ["0" * 64], ["0" * 63, "G" * 64, "A" * 64]),
    ],
)
def test_formats(rule, good, bad):
    assert [text for text in good if rule.fault(text)] == []
    assert [text for text in bad if not rule.fault(text)] == []


def test_assignment_is_checked():
    link = p.Link(**LINK)
    with pytest.raises(pydantic.ValidationError):
        link.address = "nowhere"
    link.address = "192.0.2.3"
    assert link.address == "192.0.2.3"


def test_names():
    assert p.Edge.resource_name("acme", "nyc", "e1") == "organizations/acme/sites/nyc/edges/e1"
    edge = p.Edge(name="organizations/acme/sites/nyc/edges/e1")
    assert (edge.id, edge.parent) == ("e1", "organizations/acme/sites/nyc")
    assert p.Organization(name="organizations/acme").parent == ""


def test_enums_are_open_to_the_server_only():
    assert p.AdminState("UNRECOGNIZED_77") == "UNRECOGNIZED_77"
    assert p.AdminState.ADMIN_STATE_UNSPECIFIED.is_unspecified
    assert "Input should be" in refusal(p.Site, name="organizations/a/sites/b", admin_state="CLOSED")[1]


def test_comments_are_the_manual():
    assert p.Site.__doc__
    for model in p.v1.MODELS:
        for name, info in model.model_fields.items():
            assert info.description, f"{model.__name__}.{name} has no text"


def test_rules_can_be_read_back():
    assert "uid" in p.Site.fields_with(rules.Output)
    assert "uid" not in p.Site.settable()
    assert p.ModelVersion.fields_with(rules.Immutable) >= {"name", "digest", "size_bytes"}
    assert p.EnrollRequest.fields_with(rules.Secret) == {"token"}
    assert p.Fabric.fields_with(rules.AsSet) == {"hubs", "sites"}


def test_a_secret_is_not_printed():
    key = p.ApiKey.model_construct(name="organizations/a/serviceAccounts/s/apiKeys/k", secret_hmac="5ec2e7")
    assert type(key).fields_with(p.rules.Secret) == {"secret_hmac"}
    assert "5ec2e7" not in f"{key!r} {key}"
    assert "apiKeys/k" in repr(key)
