"""Traffic engineering: demands, what-if questions, draining, and the solutions that the leader found.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, Resource
from .common import AdminState, Condition, TrafficClass
from .policy import PathConstraints


class Demand(Resource):
    """Traffic that is expected between two sites, entered by hand: it stands beside what is measured when a what-if
    question says so. It moves nothing by itself.
    """

    PROTO: ClassVar[str] = "patronus.v1.Demand"
    KIND: ClassVar[Kind] = Kind(
        singular="demand",
        plural="demands",
        pattern="organizations/*/demands/*",
        view=False,
        columns=("source_site", "destination_site", "traffic_class", "rate_bps"),
        methods={
            "create": "/patronus.v1.DemandService/CreateDemand",
            "get": "/patronus.v1.DemandService/GetDemand",
            "list": "/patronus.v1.DemandService/ListDemands",
            "update": "/patronus.v1.DemandService/UpdateDemand",
            "delete": "/patronus.v1.DemandService/DeleteDemand",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/demands/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/demands/{demand}. Assigned from the parent and the id."""
    source_site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Where the traffic comes from."""
    destination_site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Where it goes to; another site."""
    rate_bps: Annotated[Annotated[int, marks.Range(1, 400000000000, zero=True)], marks.Required(), marks.Unit("bit/s")]
    """How much, bit/s."""
    uid: Annotated[str, marks.Output()] = ""
    """Unique for ever, also across deletion and re-creation of the same name."""
    etag: Annotated[str, marks.Output()] = ""
    """Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154)."""
    revision: Annotated[int, marks.Output()] = 0
    """Log index of the last change of a user's field."""
    create_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When the resource was created, by the leader's clock."""
    update_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When a user's field last changed, by the leader's clock."""
    labels: Annotated[dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]], marks.Items(64)] = Field(
        default_factory=dict
    )
    """Short key-value pairs for selection by filters."""
    annotations: Annotated[
        dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]], marks.Items(64)
    ] = Field(default_factory=dict)
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] = ""
    """A name for people."""
    reconciling: Annotated[bool, marks.Output()] = False
    """True while nodes have not yet reached the declared state."""
    conditions: Annotated[list[Condition], marks.Output()] = Field(default_factory=list)
    """Health, aspect by aspect."""
    observed_revision: Annotated[int, marks.Output()] = 0
    """Newest revision that every node concerned has applied."""
    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """What it is for."""

    @staticmethod
    def resource_name(organization: str, demand: str) -> str:
        """The name of a demand from its ids."""
        return f"organizations/{organization}/demands/{demand}"


class DemandPatch(TypedDict, total=False):
    """Fields of Demand to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    source_site: Annotated[str, marks.Matches("organizations/*/sites/*")] | None
    """Where the traffic comes from."""
    destination_site: Annotated[str, marks.Matches("organizations/*/sites/*")] | None
    """Where it goes to; another site."""
    traffic_class: TrafficClass | None
    """What it is for."""
    rate_bps: Annotated[int, marks.Range(1, 400000000000, zero=True)] | None
    """How much, bit/s."""


class MatrixCell(Message):
    """One cell of the traffic matrix, as measured by the source's edge."""

    PROTO: ClassVar[str] = "patronus.v1.MatrixCell"

    source_site: Annotated[str, marks.Size(1024)] = ""
    """Site that the traffic comes from."""
    destination_site: Annotated[str, marks.Size(1024)] = ""
    """Site that it goes to."""
    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """What it is for."""
    rate_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Mean of the newest interval, bit/s."""
    p50_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Half of the last hour's intervals were below this, bit/s."""
    p95_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """95 of 100 were, bit/s."""
    max_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Largest of the last hour, bit/s."""
    forecast_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What the next interval will bring, by level and trend, bit/s."""
    usual_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What this hour of the day (UTC) used to bring, bit/s; 0 while it is not known."""
    bytes: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Bytes offered since the leader began to count."""


class GetTrafficMatrixRequest(Message):
    """Request of GetTrafficMatrix."""

    PROTO: ClassVar[str] = "patronus.v1.GetTrafficMatrixRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization."""
    min_rate_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Leave out cells whose rate and p95 are below this, bit/s."""


class GetTrafficMatrixResponse(Message):
    """Response of GetTrafficMatrix."""

    PROTO: ClassVar[str] = "patronus.v1.GetTrafficMatrixResponse"

    cells: Annotated[list[MatrixCell], marks.Items(64)] = Field(default_factory=list)
    """Ascending by source, destination, class."""
    interval_ms: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Length of an interval, milliseconds."""
    total_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Sum of the newest rates, bit/s."""


class AddedDemand(Message):
    """Traffic that a what-if question adds."""

    PROTO: ClassVar[str] = "patronus.v1.AddedDemand"

    source_site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Where it comes from."""
    destination_site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Where it goes to."""
    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """What it is for."""
    rate_bps: Annotated[Annotated[int, marks.Range(1, 400000000000, zero=True)], marks.Unit("bit/s")] = 0
    """How much, bit/s."""


class ChangedLink(Message):
    """A link that a what-if question adds, or changes."""

    PROTO: ClassVar[str] = "patronus.v1.ChangedLink"

    link: Annotated[Annotated[str, marks.Size(1024)], marks.Required()]
    """Name of a link that exists, or one of an existing site that does not exist yet."""
    capacity_up_bps: Annotated[Annotated[int, marks.Range(0, 400000000000)], marks.Unit("bit/s")] = 0
    """Rate from the site, bit/s; 0 leaves it."""
    capacity_down_bps: Annotated[Annotated[int, marks.Range(0, 400000000000)], marks.Unit("bit/s")] = 0
    """Rate to the site, bit/s; 0 leaves it."""
    underlay: Annotated[str, marks.ID, marks.Size(1024)] = ""
    """For a new link: its underlay."""
    cost: Annotated[int, marks.Range(0, 65535)] = 0
    """Administrative cost; 0 leaves it."""


class WhatIfRequest(Message):
    """Request of WhatIf. Nothing is changed; everything named happens together."""

    PROTO: ClassVar[str] = "patronus.v1.WhatIfRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization."""
    fail_links: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/sites/*/links/*")]], marks.Items(256), marks.AsSet()
    ] = Field(default_factory=list)
    """Links that fail."""
    fail_sites: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/sites/*")]], marks.Items(256), marks.AsSet()
    ] = Field(default_factory=list)
    """Sites that fail."""
    fail_srlgs: Annotated[list[Annotated[int, marks.Range(0, 4294967295)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Shared-risk groups that fail: every link with such a number."""
    demands: Annotated[list[AddedDemand], marks.Items(1000)] = Field(default_factory=list)
    """Traffic that comes on top."""
    links: Annotated[list[ChangedLink], marks.Items(256)] = Field(default_factory=list)
    """Links that are added or changed."""
    planned: bool = False
    """Take the Demand resources in, beside what is measured."""
    scale_percent: Annotated[int, marks.Range(0, 10000)] = 0
    """Measured traffic grows to this many percent; 0 means 100."""


class LinkUtilization(Message):
    """One direction of a link in an answer."""

    PROTO: ClassVar[str] = "patronus.v1.LinkUtilization"

    link: Annotated[str, marks.Size(1024)] = ""
    """The link."""
    up: bool = False
    """True: from the site; false: to the site."""
    capacity_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Its capacity, bit/s."""
    before_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What it carries now, bit/s."""
    after_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What it would carry, bit/s."""
    after_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """The latter as a share of its capacity, parts per million."""


class MovedPath(Message):
    """A pair of sites whose traffic takes another way."""

    PROTO: ClassVar[str] = "patronus.v1.MovedPath"

    source_site: Annotated[str, marks.Size(1024)] = ""
    """Source."""
    destination_site: Annotated[str, marks.Size(1024)] = ""
    """Destination."""
    before: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """The links that it leaves by now."""
    after: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """The links that it would leave by; empty: none is left."""
    rate_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Traffic of the pair, bit/s."""


class SlaRisk(Message):
    """A pair of sites that would miss an SLA profile which it meets now."""

    PROTO: ClassVar[str] = "patronus.v1.SlaRisk"

    source_site: Annotated[str, marks.Size(1024)] = ""
    """Source."""
    destination_site: Annotated[str, marks.Size(1024)] = ""
    """Destination."""
    sla_profile: Annotated[str, marks.Size(1024)] = ""
    """The profile; empty when the pair would be cut off."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """A sentence."""


class ShadowPrice(Message):
    """What more capacity at one place would be worth."""

    PROTO: ClassVar[str] = "patronus.v1.ShadowPrice"

    link: Annotated[str, marks.Size(1024)] = ""
    """The link."""
    up: bool = False
    """True: from the site; false: to the site."""
    added_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """So much more capacity here, bit/s,"""
    relieved_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """lets so much more traffic through, bit/s,"""
    max_utilization_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """and brings the highest utilisation of all links to this, parts per million."""


class ClassOutcome(Message):
    """What becomes of one class of traffic. What does not fit is taken from the lowest class first: REALTIME keeps
    its room, then INTERACTIVE, STREAMING, STANDARD, BULK.
    """

    PROTO: ClassVar[str] = "patronus.v1.ClassOutcome"

    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """The class."""
    demand_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Its traffic, bit/s."""
    unmet_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What of it would not be carried, bit/s."""


class WhatIfResponse(Message):
    """Response of WhatIf."""

    PROTO: ClassVar[str] = "patronus.v1.WhatIfResponse"

    links: Annotated[list[LinkUtilization], marks.Items(64)] = Field(default_factory=list)
    """Every direction of a link that carries something before or after, the fullest first."""
    before_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Highest utilisation now, parts per million."""
    after_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Highest utilisation then, parts per million."""
    demand_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """All traffic then, bit/s."""
    unmet_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Traffic that would not be carried, bit/s."""
    cut_off: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Pairs of sites with traffic that would be cut off."""
    paths_moved: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Pairs of sites whose traffic would take another way."""
    moved: Annotated[list[MovedPath], marks.Items(64)] = Field(default_factory=list)
    """The largest 100 of them."""
    sla_at_risk: Annotated[list[SlaRisk], marks.Items(64)] = Field(default_factory=list)
    """At most 100."""
    shadow_prices: Annotated[list[ShadowPrice], marks.Items(64)] = Field(default_factory=list)
    """Where more capacity would help most, at most 8; empty while nothing is full."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Revision of the state that the answer is about."""
    classes: Annotated[list[ClassOutcome], marks.Items(64)] = Field(default_factory=list)
    """Class by class, those with traffic; the first is served first."""


class DrainRequest(Message):
    """Request of Drain."""

    PROTO: ClassVar[str] = "patronus.v1.DrainRequest"

    name: Annotated[Annotated[str, marks.Size(1024)], marks.Required()]
    """A site or a link."""
    force: bool = False
    """Drain also when the rest lacks capacity, or something would be cut off."""
    validate_only: bool = False
    """Only say what it would do."""


class DrainResponse(Message):
    """Response of Drain and Undrain."""

    PROTO: ClassVar[str] = "patronus.v1.DrainResponse"

    name: Annotated[str, marks.Size(1024)] = ""
    """The site or link."""
    admin_state: AdminState = AdminState.ADMIN_STATE_UNSPECIFIED
    """Its state now."""
    effect: WhatIfResponse | None = None
    """What it does to the rest."""
    nodes: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Nodes that forward by the new state."""
    took_ms: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Time from the request until the last of them did, milliseconds."""


class UndrainRequest(Message):
    """Request of Undrain."""

    PROTO: ClassVar[str] = "patronus.v1.UndrainRequest"

    name: Annotated[Annotated[str, marks.Size(1024)], marks.Required()]
    """A site or a link."""


class ExplainDemandRequest(Message):
    """Request of ExplainDemand."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainDemandRequest"

    source_site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Source."""
    destination_site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Destination."""
    constraints: PathConstraints | None = None
    """Answer with the paths that keep these, found for the question: what a steering rule with REQUIRE would use."""


class ClassShare(Message):
    """What a path carries of one class of a pair."""

    PROTO: ClassVar[str] = "patronus.v1.ClassShare"

    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """The class."""
    share_ppm: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Share of the pair's traffic of that class, parts per million."""


class ExplainedPath(Message):
    """A path of a pair of sites, and why it carries what it carries."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainedPath"

    path: Annotated[str, marks.Size(1024)] = ""
    """Name of the path."""
    links: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """Links that it takes: local and remote end of each tunnel, in order."""
    tier: Annotated[int, marks.Range(0, 4294967295)] = 0
    """0 carries; the others wait in this order."""
    share_ppm: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Share of the pair's traffic, parts per million."""
    metric: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What it costs: administrative cost, delay and penalties, microseconds."""
    utilization_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Utilisation of its fullest link, parts per million."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """Why it is in this tier."""
    rtt_us: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Round trip over all of its tunnels, microseconds; 0: not measured."""
    loss_ppm: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Loss over all of its tunnels, parts per million."""
    capacity_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Capacity of its narrowest link, bit/s; 0: not known."""
    class_shares: Annotated[list[ClassShare], marks.Items(64)] = Field(default_factory=list)
    """Classes that are split otherwise than the pair as a whole."""


class ExplainDemandResponse(Message):
    """Response of ExplainDemand."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainDemandResponse"

    paths: Annotated[list[ExplainedPath], marks.Items(64)] = Field(default_factory=list)
    """Best first."""
    rate_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Traffic of the pair, bit/s."""
    epoch: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Epoch of the solution."""
    repaired_failures: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Failures of single links, sites and shared-risk groups that would hit every path in the first tier but leave
    one that waits: the node takes it by itself.
    """
    cutting_failures: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """Those that would cut the pair off: no way is left."""
    no_path_reason: Annotated[str, marks.Size(1024)] = ""
    """With constraints: why no path keeps them. Empty when one does."""


class SolutionLink(Message):
    """One direction of a link as the solver saw it."""

    PROTO: ClassVar[str] = "patronus.v1.SolutionLink"

    link: Annotated[str, marks.Size(1024)] = ""
    """The link."""
    up: bool = False
    """True: from the site; false: to the site."""
    capacity_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Capacity, bit/s; 0 unknown."""
    load_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Load by the solution, bit/s."""


class SolutionPath(Message):
    """One path of a pair in a solution."""

    PROTO: ClassVar[str] = "patronus.v1.SolutionPath"

    path: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Path id."""
    links: Annotated[list[Annotated[int, marks.Range(0, 4294967295)]], marks.Items(16)] = Field(default_factory=list)
    """Indices into Solution.links."""
    weight_before: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Weight among the paths of the pair before; they add to 256, or are 0 for a new pair."""
    weight: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Weight that was found."""
    weight_default: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Weight that shortest paths and free capacity alone would give."""
    eligible: bool = False
    """Good enough to carry traffic while something is full."""


class SolutionPair(Message):
    """One pair of a solution."""

    PROTO: ClassVar[str] = "patronus.v1.SolutionPair"

    source_site: Annotated[str, marks.Size(1024)] = ""
    """Source."""
    destination_site: Annotated[str, marks.Size(1024)] = ""
    """Destination."""
    rate_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Traffic, bit/s."""
    paths: Annotated[list[SolutionPath], marks.Items(16)] = Field(default_factory=list)
    """Its paths, in order of the solver."""
    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """The class that this is about; unspecified: all of the pair's traffic."""


class Solution(Message):
    """A solution with everything that it was computed from."""

    PROTO: ClassVar[str] = "patronus.v1.Solution"

    epoch: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Counts the solutions of a leader's term."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Revision of the state."""
    time: datetime.datetime | None = None
    """When, by the leader's clock."""
    kind: Annotated[str, marks.Size(1024)] = ""
    """"kept": the weights of before still do; "default": shortest paths; "solved": the solver's; "fair": the solver's
    where not everything fits: what there is goes to the classes in their order, REALTIME first, and in a class is
    max-min fair.
    """
    utilization_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Highest utilisation, parts per million."""
    bound_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """The solver's bound on it: no weights on these paths do better. 0 when it was not asked."""
    gap_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Certified distance of the two, parts per million."""
    steps: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Steps in which the nodes get it."""
    promised: bool = False
    """No link exceeds its capacity in any interleaving of any step."""
    rounding_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Largest difference between a split and its weight, parts per million."""
    worst_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Highest utilisation in the worst interleaving, parts per million."""
    keep_below_ppm: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """What was in force was to be kept while nothing was fuller than this, parts per million."""
    links: Annotated[list[SolutionLink], marks.Items(65535)] = Field(default_factory=list)
    """Links; the paths name them by index."""
    pairs: Annotated[list[SolutionPair], marks.Items(1000000)] = Field(default_factory=list)
    """Pairs with traffic."""


class ListSolutionsRequest(Message):
    """Request of ListSolutions."""

    PROTO: ClassVar[str] = "patronus.v1.ListSolutionsRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization."""
    summary: bool = False
    """Leave links and pairs out."""
    epoch: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Only the solution of this epoch; 0: all. One that is larger than a reply, 4 MiB, comes as its summary, or in
    parts.
    """
    part: Annotated[int, marks.Range(0, 4294967295)] = 0
    """With an epoch: this part of its links and pairs, about 1 MiB, from 1. All parts together are the solution."""


class ListSolutionsResponse(Message):
    """Response of ListSolutions."""

    PROTO: ClassVar[str] = "patronus.v1.ListSolutionsResponse"

    solutions: Annotated[list[Solution], marks.Items(64)] = Field(default_factory=list)
    """The newest first; the leader keeps 16. None when the epoch that was asked for is not kept."""
    parts: Annotated[int, marks.Range(0, 4294967295)] = 0
    """With an epoch: how many parts it has; 0: it is a summary. The leader keeps 64 MiB of solutions, the newest,
    whole.
    """


class MeasureBandwidthRequest(Message):
    """Request of MeasureBandwidth."""

    PROTO: ClassVar[str] = "patronus.v1.MeasureBandwidthRequest"

    name: Annotated[Annotated[str, marks.Matches("organizations/*/paths/*")], marks.Required()]
    """The path. It must be alive, and its edge connected."""
    max_rate_bps: Annotated[Annotated[int, marks.Range(0, 1000000000)], marks.Unit("bit/s")] = 0
    """Look no higher than this, bit/s: also what bounds the rate of a train of probes. 0 means 1 Gbit/s."""


class MeasureBandwidthResponse(Message):
    """Response of MeasureBandwidth: what the path could carry there besides what it carries now, counting whole IP
    packets of the links. It lies between low_bps and high_bps.
    """

    PROTO: ClassVar[str] = "patronus.v1.MeasureBandwidthResponse"

    name: Annotated[str, marks.Size(1024)] = ""
    """The path."""
    rate_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """The estimate, bit/s."""
    low_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Trains up to this rate came as fast as they were sent, bit/s; 0: not even the slowest one did."""
    high_bps: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """A train of this rate came slower than it was sent, bit/s; 0: none did, and there is more than was looked for.
    """
    trains: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Trains that were sent."""
    packets: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Packets in them."""
    bytes: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Bytes in them."""
    duration_ms: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How long it took, milliseconds."""
