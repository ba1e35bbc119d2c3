"""The blocking client.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import ClassVar

from .. import v1 as m
from ..message import Resource
from ..sync import BaseClient, Collection, ReadCollection
from .sync_methods import (
    AccessMethods,
    ArtifactMethods,
    AuditMethods,
    AuthorityMethods,
    ClusterMethods,
    DiagnosticsMethods,
    EnrollmentMethods,
    ExplainMethods,
    RevisionMethods,
    TrafficEngineeringMethods,
)


class Organizations(Collection[m.Organization, m.OrganizationPatch]):
    """Access to organizations."""

    kind = m.Organization

    def undelete_organization(
        self,
        *,
        name: str = "",
        uid: str = "",
        request_id: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> m.Organization:
        """Bring a deleted organization back as it was, with everything that was deleted with it (AIP-164)."""
        request = m.UndeleteOrganizationRequest(name=name, uid=uid, request_id=request_id, validate_only=validate_only)
        return self._call("/patronus.v1.OrganizationService/UndeleteOrganization", request, m.Organization, timeout)


class Sites(Collection[m.Site, m.SitePatch]):
    """Access to sites."""

    kind = m.Site


class Edges(Collection[m.Edge, m.EdgePatch]):
    """Access to edges."""

    kind = m.Edge


class Links(Collection[m.Link, m.LinkPatch]):
    """Access to links."""

    kind = m.Link


class Fabrics(Collection[m.Fabric, m.FabricPatch]):
    """Access to fabrics."""

    kind = m.Fabric


class Segments(Collection[m.Segment, m.SegmentPatch]):
    """Access to segments."""

    kind = m.Segment


class SlaProfiles(Collection[m.SlaProfile, m.SlaProfilePatch]):
    """Access to slaProfiles."""

    kind = m.SlaProfile


class Applications(Collection[m.Application, m.ApplicationPatch]):
    """Access to applications."""

    kind = m.Application

    def classify(self, *, parent_: str, capture: bytes, timeout: float | None = None) -> m.ClassifyResponse:
        """Say which applications the flows of a capture belong to, by the organization's own descriptions and all
        signatures.
        """
        request = m.ClassifyRequest(parent_=parent_, capture=capture)
        return self._call("/patronus.v1.ApplicationService/Classify", request, m.ClassifyResponse, timeout)


class SteeringPolicies(Collection[m.SteeringPolicy, m.SteeringPolicyPatch]):
    """Access to steeringPolicies."""

    kind = m.SteeringPolicy

    def simulate_steering(
        self,
        *,
        site: str,
        segment: str,
        destination: str,
        source: str = "",
        protocol: int = 0,
        destination_port: int = 0,
        source_port: int = 0,
        dscp: int = 0,
        user: str = "",
        groups: list[str] | None = None,
        time: datetime.datetime | None = None,
        timeout: float | None = None,
    ) -> m.SimulateSteeringResponse:
        """Which rule would decide about a packet, which path it would take, and why not the others."""
        request = m.SimulateSteeringRequest(
            site=site,
            segment=segment,
            destination=destination,
            source=source,
            protocol=protocol,
            destination_port=destination_port,
            source_port=source_port,
            dscp=dscp,
            user=user,
            groups=groups or [],
            time=time,
        )
        return self._call(
            "/patronus.v1.SteeringPolicyService/SimulateSteering", request, m.SimulateSteeringResponse, timeout
        )

    def find_shadowed_rules(self, *, parent_: str, timeout: float | None = None) -> m.FindShadowedRulesResponse:
        """Rules that an earlier one keeps from ever deciding, or that match nothing."""
        request = m.FindShadowedRulesRequest(parent_=parent_)
        return self._call(
            "/patronus.v1.SteeringPolicyService/FindShadowedRules", request, m.FindShadowedRulesResponse, timeout
        )


class Models(Collection[m.Model, m.ModelPatch]):
    """Access to models."""

    kind = m.Model

    def rollback_model(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.Model:
        """Put the version that was in use before back in use, in one step."""
        request = m.RollbackModelRequest(name=name, request_id=request_id)
        return self._call("/patronus.v1.ModelService/RollbackModel", request, m.Model, timeout)


class ModelVersions(Collection[m.ModelVersion, m.ModelVersionPatch]):
    """Access to versions."""

    kind = m.ModelVersion

    def promote_model_version(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.Model:
        """Put a version in use: it becomes LIVE and the model's live_version, what was LIVE becomes SHADOW, in one
        step.
        """
        request = m.PromoteModelVersionRequest(name=name, request_id=request_id)
        return self._call("/patronus.v1.ModelVersionService/PromoteModelVersion", request, m.Model, timeout)


class Controllers(Collection[m.Controller, m.ControllerPatch]):
    """Access to controllers."""

    kind = m.Controller


class EnrollmentTokens(Collection[m.EnrollmentToken, m.EnrollmentTokenPatch]):
    """Access to enrollmentTokens."""

    kind = m.EnrollmentToken


class Tunnels(ReadCollection[m.Tunnel]):
    """Access to tunnels."""

    kind = m.Tunnel


class Paths(ReadCollection[m.Path]):
    """Access to paths."""

    kind = m.Path


class Roles(Collection[m.Role, m.RolePatch]):
    """Access to roles."""

    kind = m.Role


class RoleBindings(Collection[m.RoleBinding, m.RoleBindingPatch]):
    """Access to roleBindings."""

    kind = m.RoleBinding


class ClusterRoleBindings(Collection[m.ClusterRoleBinding, m.ClusterRoleBindingPatch]):
    """Access to clusterRoleBindings."""

    kind = m.ClusterRoleBinding


class ServiceAccounts(Collection[m.ServiceAccount, m.ServiceAccountPatch]):
    """Access to serviceAccounts."""

    kind = m.ServiceAccount


class ApiKeys(Collection[m.ApiKey, m.ApiKeyPatch]):
    """Access to apiKeys."""

    kind = m.ApiKey

    def issue_api_key(
        self, *, parent_: str = "", api_key_id: str = "", api_key: m.ApiKey | None = None, timeout: float | None = None
    ) -> m.IssueApiKeyResponse:
        """Make a key. Its text is in the answer and nowhere else."""
        request = m.IssueApiKeyRequest(parent_=parent_, api_key_id=api_key_id, api_key=api_key)
        return self._call("/patronus.v1.ApiKeyService/IssueApiKey", request, m.IssueApiKeyResponse, timeout)


class IdentityProviders(Collection[m.IdentityProvider, m.IdentityProviderPatch]):
    """Access to identityProviders."""

    kind = m.IdentityProvider


class DeniedIdentities(Collection[m.DeniedIdentity, m.DeniedIdentityPatch]):
    """Access to deniedIdentities."""

    kind = m.DeniedIdentity


class Demands(Collection[m.Demand, m.DemandPatch]):
    """Access to demands."""

    kind = m.Demand


class ChangeSets(Collection[m.ChangeSet, m.ChangeSetPatch]):
    """Access to changeSets."""

    kind = m.ChangeSet

    def plan_change_set(
        self, *, name: str, changes: list[m.StagedChange] | None = None, timeout: float | None = None
    ) -> m.PlanChangeSetResponse:
        """What applying it would do: fields, quotas, nodes, paths. Changes nothing."""
        request = m.PlanChangeSetRequest(name=name, changes=changes or [])
        return self._call("/patronus.v1.ChangeSetService/PlanChangeSet", request, m.PlanChangeSetResponse, timeout)

    def read_staged_state(self, *, name: str, resource: str, timeout: float | None = None) -> m.ReadStagedStateResponse:
        """A resource as it would be with the change set applied."""
        request = m.ReadStagedStateRequest(name=name, resource=resource)
        return self._call("/patronus.v1.ChangeSetService/ReadStagedState", request, m.ReadStagedStateResponse, timeout)

    def apply_change_set(
        self,
        *,
        name: str,
        etag: str = "",
        confirm_timeout: datetime.timedelta | None = None,
        reconnect_timeout: datetime.timedelta | None = None,
        request_id: str = "",
        timeout: float | None = None,
    ) -> m.ChangeSet:
        """Put all changes in force in one step, or none of them. ABORTED when a resource is not what its change was
        staged upon; the message says who changed it and when.
        """
        request = m.ApplyChangeSetRequest(
            name=name,
            etag=etag,
            confirm_timeout=confirm_timeout,
            reconnect_timeout=reconnect_timeout,
            request_id=request_id,
        )
        return self._call("/patronus.v1.ChangeSetService/ApplyChangeSet", request, m.ChangeSet, timeout)

    def confirm_change_set(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.ChangeSet:
        """Keep what was applied."""
        request = m.ConfirmChangeSetRequest(name=name, request_id=request_id)
        return self._call("/patronus.v1.ChangeSetService/ConfirmChangeSet", request, m.ChangeSet, timeout)

    def rollback_change_set(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.ChangeSet:
        """Put everything back as it was before it was applied: while it waits for its confirmation, and later as long
        as nobody has changed what it changed. The newest 8 of an organization can be taken back.
        """
        request = m.RollbackChangeSetRequest(name=name, request_id=request_id)
        return self._call("/patronus.v1.ChangeSetService/RollbackChangeSet", request, m.ChangeSet, timeout)


class QosProfiles(Collection[m.QosProfile, m.QosProfilePatch]):
    """Access to qosProfiles."""

    kind = m.QosProfile


class UserSessions(Collection[m.UserSession, m.UserSessionPatch]):
    """Access to userSessions."""

    kind = m.UserSession


class NatPolicies(Collection[m.NatPolicy, m.NatPolicyPatch]):
    """Access to natPolicies."""

    kind = m.NatPolicy


class FirewallPolicies(Collection[m.FirewallPolicy, m.FirewallPolicyPatch]):
    """Access to firewallPolicies."""

    kind = m.FirewallPolicy


class FloodGuards(Collection[m.FloodGuard, m.FloodGuardPatch]):
    """Access to floodGuards."""

    kind = m.FloodGuard


class RateLimits(Collection[m.RateLimit, m.RateLimitPatch]):
    """Access to rateLimits."""

    kind = m.RateLimit


METHODS: dict[str, tuple[str, str, str, bool, bool]] = {
    "AccessService.TestIamPermissions": ("access", "test_iam_permissions", "TestIamPermissionsRequest", False, False),
    "ApiKeyService.IssueApiKey": ("api_keys", "issue_api_key", "IssueApiKeyRequest", False, False),
    "AuthorityService.ListAuthorities": ("authority", "list_authorities", "ListAuthoritiesRequest", True, False),
    "AuthorityService.RotateAuthority": ("authority", "rotate_authority", "RotateAuthorityRequest", False, False),
    "AuthorityService.ReportTrust": ("authority", "report_trust", "TrustReport", False, False),
    "AuthorityService.IssueCredential": ("authority", "issue_credential", "IssueCredentialRequest", False, False),
    "AuthorityService.ResealSecrets": ("authority", "reseal_secrets", "ResealSecretsRequest", False, False),
    "DiagnosticsService.Ping": ("diagnostics", "ping", "PingRequest", True, False),
    "DiagnosticsService.Traceroute": ("diagnostics", "traceroute", "TracerouteRequest", True, False),
    "DiagnosticsService.Capture": ("diagnostics", "capture", "CaptureRequest", True, False),
    "DiagnosticsService.ProbePath": ("diagnostics", "probe_path", "ProbePathRequest", True, False),
    "DiagnosticsService.DiagnoseSite": ("diagnostics", "diagnose_site", "DiagnoseSiteRequest", False, False),
    "AuditService.QueryAudit": ("audit", "query_audit", "QueryAuditRequest", False, False),
    "AuditService.ReportDenied": ("audit", "report_denied", "RecordedCalls", False, False),
    "ChangeSetService.PlanChangeSet": ("change_sets", "plan_change_set", "PlanChangeSetRequest", False, False),
    "ChangeSetService.ReadStagedState": ("change_sets", "read_staged_state", "ReadStagedStateRequest", False, False),
    "ChangeSetService.ApplyChangeSet": ("change_sets", "apply_change_set", "ApplyChangeSetRequest", False, False),
    "ChangeSetService.ConfirmChangeSet": ("change_sets", "confirm_change_set", "ConfirmChangeSetRequest", False, False),
    "ChangeSetService.RollbackChangeSet": (
        "change_sets",
        "rollback_change_set",
        "RollbackChangeSetRequest",
        False,
        False,
    ),
    "RevisionService.ListRevisions": ("revision", "list_revisions", "ListRevisionsRequest", True, False),
    "RevisionService.RestoreRevision": ("revision", "restore_revision", "RestoreRevisionRequest", False, False),
    "EnrollmentService.Enroll": ("enrollment", "enroll", "EnrollRequest", False, False),
    "EnrollmentService.Renew": ("enrollment", "renew", "RenewRequest", False, False),
    "ClusterService.GetClusterStatus": ("cluster", "get_cluster_status", "GetClusterStatusRequest", True, False),
    "ClusterService.TransferLeadership": ("cluster", "transfer_leadership", "TransferLeadershipRequest", False, False),
    "ClusterService.FinalizeUpgrade": ("cluster", "finalize_upgrade", "FinalizeUpgradeRequest", False, False),
    "ClusterService.Backup": ("cluster", "backup", "BackupRequest", True, False),
    "ApplicationService.Classify": ("applications", "classify", "ClassifyRequest", False, False),
    "SteeringPolicyService.SimulateSteering": (
        "steering_policies",
        "simulate_steering",
        "SimulateSteeringRequest",
        False,
        False,
    ),
    "SteeringPolicyService.FindShadowedRules": (
        "steering_policies",
        "find_shadowed_rules",
        "FindShadowedRulesRequest",
        False,
        False,
    ),
    "ExplainService.ExplainFlow": ("explain", "explain_flow", "ExplainFlowRequest", False, False),
    "ExplainService.ExplainDrop": ("explain", "explain_drop", "ExplainDropRequest", False, False),
    "ModelService.RollbackModel": ("models", "rollback_model", "RollbackModelRequest", False, False),
    "ModelVersionService.PromoteModelVersion": (
        "model_versions",
        "promote_model_version",
        "PromoteModelVersionRequest",
        False,
        False,
    ),
    "ArtifactService.UploadArtifact": ("artifact", "upload_artifact", "UploadArtifactRequest", False, True),
    "ArtifactService.DownloadArtifact": ("artifact", "download_artifact", "DownloadArtifactRequest", True, False),
    "ArtifactService.OfferArtifact": ("artifact", "offer_artifact", "OfferArtifactRequest", False, False),
    "ArtifactService.ReportArtifacts": ("artifact", "report_artifacts", "ReportArtifactsRequest", False, False),
    "TrafficEngineeringService.GetTrafficMatrix": (
        "traffic_engineering",
        "get_traffic_matrix",
        "GetTrafficMatrixRequest",
        True,
        False,
    ),
    "TrafficEngineeringService.WhatIf": ("traffic_engineering", "what_if", "WhatIfRequest", False, False),
    "TrafficEngineeringService.Drain": ("traffic_engineering", "drain", "DrainRequest", False, False),
    "TrafficEngineeringService.Undrain": ("traffic_engineering", "undrain", "UndrainRequest", False, False),
    "TrafficEngineeringService.ExplainDemand": (
        "traffic_engineering",
        "explain_demand",
        "ExplainDemandRequest",
        False,
        False,
    ),
    "TrafficEngineeringService.ListSolutions": (
        "traffic_engineering",
        "list_solutions",
        "ListSolutionsRequest",
        True,
        False,
    ),
    "TrafficEngineeringService.MeasureBandwidth": (
        "traffic_engineering",
        "measure_bandwidth",
        "MeasureBandwidthRequest",
        False,
        False,
    ),
    "OrganizationService.UndeleteOrganization": (
        "organizations",
        "undelete_organization",
        "UndeleteOrganizationRequest",
        False,
        False,
    ),
}
"""By service and method: collection, method, request, whether it only reads, whether it takes a stream."""


class Client(BaseClient):
    """A connection to a cluster."""

    COLLECTIONS: ClassVar[Mapping[type[Resource], str]] = {
        m.Organization: "organizations",
        m.Site: "sites",
        m.Edge: "edges",
        m.Link: "links",
        m.Fabric: "fabrics",
        m.Segment: "segments",
        m.SlaProfile: "sla_profiles",
        m.Application: "applications",
        m.SteeringPolicy: "steering_policies",
        m.Model: "models",
        m.ModelVersion: "model_versions",
        m.Controller: "controllers",
        m.EnrollmentToken: "enrollment_tokens",
        m.Tunnel: "tunnels",
        m.Path: "paths",
        m.Role: "roles",
        m.RoleBinding: "role_bindings",
        m.ClusterRoleBinding: "cluster_role_bindings",
        m.ServiceAccount: "service_accounts",
        m.ApiKey: "api_keys",
        m.IdentityProvider: "identity_providers",
        m.DeniedIdentity: "denied_identities",
        m.Demand: "demands",
        m.ChangeSet: "change_sets",
        m.QosProfile: "qos_profiles",
        m.UserSession: "user_sessions",
        m.NatPolicy: "nat_policies",
        m.FirewallPolicy: "firewall_policies",
        m.FloodGuard: "flood_guards",
        m.RateLimit: "rate_limits",
    }

    @property
    def organizations(self) -> Organizations:
        """A tenant."""
        return Organizations(self._driver)

    @property
    def sites(self) -> Sites:
        """A place: a branch, a hub, a data centre."""
        return Sites(self._driver)

    @property
    def edges(self) -> Edges:
        """A node that forwards packets for a site: one patronusd."""
        return Edges(self._driver)

    @property
    def links(self) -> Links:
        """An underlay connection of an edge [MEF 70: underlay connectivity service]."""
        return Links(self._driver)

    @property
    def fabrics(self) -> Fabrics:
        """A set of sites that are connected with each other [MEF 70: SWVC]."""
        return Fabrics(self._driver)

    @property
    def segments(self) -> Segments:
        """An isolated routing domain [VRF]."""
        return Segments(self._driver)

    @property
    def sla_profiles(self) -> SlaProfiles:
        """What a path must offer to an application."""
        return SlaProfiles(self._driver)

    @property
    def applications(self) -> Applications:
        """A kind of traffic, told by what its packets say."""
        return Applications(self._driver)

    @property
    def steering_policies(self) -> SteeringPolicies:
        """Which paths the traffic of a segment may or should take."""
        return SteeringPolicies(self._driver)

    @property
    def models(self) -> Models:
        """A model with a purpose; its versions hold what was trained."""
        return Models(self._driver)

    @property
    def model_versions(self) -> ModelVersions:
        """One trained state of a model."""
        return ModelVersions(self._driver)

    @property
    def controllers(self) -> Controllers:
        """A node that is, or may become, a Raft voter."""
        return Controllers(self._driver)

    @property
    def enrollment_tokens(self) -> EnrollmentTokens:
        """Permission for one node to join."""
        return EnrollmentTokens(self._driver)

    @property
    def tunnels(self) -> Tunnels:
        """A tunnel between two links of different sites: a view, made from fabrics and links."""
        return Tunnels(self._driver)

    @property
    def paths(self) -> Paths:
        """A way from one site to another, over one or more tunnels: a view, made by traffic engineering."""
        return Paths(self._driver)

    @property
    def roles(self) -> Roles:
        """A set of permissions with a name."""
        return Roles(self._driver)

    @property
    def role_bindings(self) -> RoleBindings:
        """Who has a role, in its organization and all below."""
        return RoleBindings(self._driver)

    @property
    def cluster_role_bindings(self) -> ClusterRoleBindings:
        """Who has a role in the whole cluster: in every organization and in what stands above them."""
        return ClusterRoleBindings(self._driver)

    @property
    def service_accounts(self) -> ServiceAccounts:
        """A program that calls the API."""
        return ServiceAccounts(self._driver)

    @property
    def api_keys(self) -> ApiKeys:
        """A key that speaks for a service account."""
        return ApiKeys(self._driver)

    @property
    def identity_providers(self) -> IdentityProviders:
        """An OpenID Connect issuer whose tokens name users: organizations/acme/identityProviders/okta/users/SUBJECT."""
        return IdentityProviders(self._driver)

    @property
    def denied_identities(self) -> DeniedIdentities:
        """An identity that is refused at every door, whatever it presents, and whose open streams end."""
        return DeniedIdentities(self._driver)

    @property
    def demands(self) -> Demands:
        """Traffic that is expected between two sites, entered by hand: it stands beside what is measured when a what-if question says so."""
        return Demands(self._driver)

    @property
    def change_sets(self) -> ChangeSets:
        """Changes of resources of one organization that are applied together or not at all."""
        return ChangeSets(self._driver)

    @property
    def qos_profiles(self) -> QosProfiles:
        """How the traffic of a WAN link is divided among classes, when the link is full."""
        return QosProfiles(self._driver)

    @property
    def user_sessions(self) -> UserSessions:
        """A user who is logged in: whose packets those from an address are, until when."""
        return UserSessions(self._driver)

    @property
    def nat_policies(self) -> NatPolicies:
        """How addresses of a segment are translated at its edges."""
        return NatPolicies(self._driver)

    @property
    def firewall_policies(self) -> FirewallPolicies:
        """What hosts of a segment may begin."""
        return FirewallPolicies(self._driver)

    @property
    def flood_guards(self) -> FloodGuards:
        """Protection of edges against floods, judged where packets of the underlay arrive."""
        return FloodGuards(self._driver)

    @property
    def rate_limits(self) -> RateLimits:
        """How much a tenant, or a site towards another, may send."""
        return RateLimits(self._driver)

    @property
    def access(self) -> AccessMethods:
        """Methods of AccessService."""
        return AccessMethods(self._driver)

    @property
    def artifact(self) -> ArtifactMethods:
        """Methods of ArtifactService."""
        return ArtifactMethods(self._driver)

    @property
    def audit(self) -> AuditMethods:
        """Methods of AuditService."""
        return AuditMethods(self._driver)

    @property
    def authority(self) -> AuthorityMethods:
        """Methods of AuthorityService."""
        return AuthorityMethods(self._driver)

    @property
    def cluster(self) -> ClusterMethods:
        """Methods of ClusterService."""
        return ClusterMethods(self._driver)

    @property
    def diagnostics(self) -> DiagnosticsMethods:
        """Methods of DiagnosticsService."""
        return DiagnosticsMethods(self._driver)

    @property
    def enrollment(self) -> EnrollmentMethods:
        """Methods of EnrollmentService."""
        return EnrollmentMethods(self._driver)

    @property
    def explain(self) -> ExplainMethods:
        """Methods of ExplainService."""
        return ExplainMethods(self._driver)

    @property
    def revision(self) -> RevisionMethods:
        """Methods of RevisionService."""
        return RevisionMethods(self._driver)

    @property
    def traffic_engineering(self) -> TrafficEngineeringMethods:
        """Methods of TrafficEngineeringService."""
        return TrafficEngineeringMethods(self._driver)
