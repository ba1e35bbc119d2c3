"""The client with await.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import ClassVar

from .. import v1 as m
from ..aio import AsyncBaseClient, AsyncCollection, AsyncReadCollection
from ..message import Resource
from .aio_methods import (
    AsyncAccessMethods,
    AsyncArtifactMethods,
    AsyncAuditMethods,
    AsyncAuthorityMethods,
    AsyncClusterMethods,
    AsyncDiagnosticsMethods,
    AsyncEnrollmentMethods,
    AsyncExplainMethods,
    AsyncRevisionMethods,
    AsyncTrafficEngineeringMethods,
)


class AsyncOrganizations(AsyncCollection[m.Organization, m.OrganizationPatch]):
    """Access to organizations."""

    kind = m.Organization

    async def undelete_organization(
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
        return await self._call(
            "/patronus.v1.OrganizationService/UndeleteOrganization", request, m.Organization, timeout
        )


class AsyncSites(AsyncCollection[m.Site, m.SitePatch]):
    """Access to sites."""

    kind = m.Site


class AsyncEdges(AsyncCollection[m.Edge, m.EdgePatch]):
    """Access to edges."""

    kind = m.Edge


class AsyncLinks(AsyncCollection[m.Link, m.LinkPatch]):
    """Access to links."""

    kind = m.Link


class AsyncFabrics(AsyncCollection[m.Fabric, m.FabricPatch]):
    """Access to fabrics."""

    kind = m.Fabric


class AsyncSegments(AsyncCollection[m.Segment, m.SegmentPatch]):
    """Access to segments."""

    kind = m.Segment


class AsyncSlaProfiles(AsyncCollection[m.SlaProfile, m.SlaProfilePatch]):
    """Access to slaProfiles."""

    kind = m.SlaProfile


class AsyncApplications(AsyncCollection[m.Application, m.ApplicationPatch]):
    """Access to applications."""

    kind = m.Application

    async def classify(self, *, parent_: str, capture: bytes, timeout: float | None = None) -> m.ClassifyResponse:
        """Say which applications the flows of a capture belong to, by the organization's own descriptions and all
        signatures.
        """
        request = m.ClassifyRequest(parent_=parent_, capture=capture)
        return await self._call("/patronus.v1.ApplicationService/Classify", request, m.ClassifyResponse, timeout)


class AsyncSteeringPolicies(AsyncCollection[m.SteeringPolicy, m.SteeringPolicyPatch]):
    """Access to steeringPolicies."""

    kind = m.SteeringPolicy

    async def simulate_steering(
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
        return await self._call(
            "/patronus.v1.SteeringPolicyService/SimulateSteering", request, m.SimulateSteeringResponse, timeout
        )

    async def find_shadowed_rules(self, *, parent_: str, timeout: float | None = None) -> m.FindShadowedRulesResponse:
        """Rules that an earlier one keeps from ever deciding, or that match nothing."""
        request = m.FindShadowedRulesRequest(parent_=parent_)
        return await self._call(
            "/patronus.v1.SteeringPolicyService/FindShadowedRules", request, m.FindShadowedRulesResponse, timeout
        )


class AsyncModels(AsyncCollection[m.Model, m.ModelPatch]):
    """Access to models."""

    kind = m.Model

    async def rollback_model(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.Model:
        """Put the version that was in use before back in use, in one step."""
        request = m.RollbackModelRequest(name=name, request_id=request_id)
        return await self._call("/patronus.v1.ModelService/RollbackModel", request, m.Model, timeout)


class AsyncModelVersions(AsyncCollection[m.ModelVersion, m.ModelVersionPatch]):
    """Access to versions."""

    kind = m.ModelVersion

    async def promote_model_version(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.Model:
        """Put a version in use: it becomes LIVE and the model's live_version, what was LIVE becomes SHADOW, in one
        step.
        """
        request = m.PromoteModelVersionRequest(name=name, request_id=request_id)
        return await self._call("/patronus.v1.ModelVersionService/PromoteModelVersion", request, m.Model, timeout)


class AsyncControllers(AsyncCollection[m.Controller, m.ControllerPatch]):
    """Access to controllers."""

    kind = m.Controller


class AsyncEnrollmentTokens(AsyncCollection[m.EnrollmentToken, m.EnrollmentTokenPatch]):
    """Access to enrollmentTokens."""

    kind = m.EnrollmentToken


class AsyncTunnels(AsyncReadCollection[m.Tunnel]):
    """Access to tunnels."""

    kind = m.Tunnel


class AsyncPaths(AsyncReadCollection[m.Path]):
    """Access to paths."""

    kind = m.Path


class AsyncRoles(AsyncCollection[m.Role, m.RolePatch]):
    """Access to roles."""

    kind = m.Role


class AsyncRoleBindings(AsyncCollection[m.RoleBinding, m.RoleBindingPatch]):
    """Access to roleBindings."""

    kind = m.RoleBinding


class AsyncClusterRoleBindings(AsyncCollection[m.ClusterRoleBinding, m.ClusterRoleBindingPatch]):
    """Access to clusterRoleBindings."""

    kind = m.ClusterRoleBinding


class AsyncServiceAccounts(AsyncCollection[m.ServiceAccount, m.ServiceAccountPatch]):
    """Access to serviceAccounts."""

    kind = m.ServiceAccount


class AsyncApiKeys(AsyncCollection[m.ApiKey, m.ApiKeyPatch]):
    """Access to apiKeys."""

    kind = m.ApiKey

    async def issue_api_key(
        self, *, parent_: str = "", api_key_id: str = "", api_key: m.ApiKey | None = None, timeout: float | None = None
    ) -> m.IssueApiKeyResponse:
        """Make a key. Its text is in the answer and nowhere else."""
        request = m.IssueApiKeyRequest(parent_=parent_, api_key_id=api_key_id, api_key=api_key)
        return await self._call("/patronus.v1.ApiKeyService/IssueApiKey", request, m.IssueApiKeyResponse, timeout)


class AsyncIdentityProviders(AsyncCollection[m.IdentityProvider, m.IdentityProviderPatch]):
    """Access to identityProviders."""

    kind = m.IdentityProvider


class AsyncDeniedIdentities(AsyncCollection[m.DeniedIdentity, m.DeniedIdentityPatch]):
    """Access to deniedIdentities."""

    kind = m.DeniedIdentity


class AsyncDemands(AsyncCollection[m.Demand, m.DemandPatch]):
    """Access to demands."""

    kind = m.Demand


class AsyncChangeSets(AsyncCollection[m.ChangeSet, m.ChangeSetPatch]):
    """Access to changeSets."""

    kind = m.ChangeSet

    async def plan_change_set(
        self, *, name: str, changes: list[m.StagedChange] | None = None, timeout: float | None = None
    ) -> m.PlanChangeSetResponse:
        """What applying it would do: fields, quotas, nodes, paths. Changes nothing."""
        request = m.PlanChangeSetRequest(name=name, changes=changes or [])
        return await self._call(
            "/patronus.v1.ChangeSetService/PlanChangeSet", request, m.PlanChangeSetResponse, timeout
        )

    async def read_staged_state(
        self, *, name: str, resource: str, timeout: float | None = None
    ) -> m.ReadStagedStateResponse:
        """A resource as it would be with the change set applied."""
        request = m.ReadStagedStateRequest(name=name, resource=resource)
        return await self._call(
            "/patronus.v1.ChangeSetService/ReadStagedState", request, m.ReadStagedStateResponse, timeout
        )

    async def apply_change_set(
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
        return await self._call("/patronus.v1.ChangeSetService/ApplyChangeSet", request, m.ChangeSet, timeout)

    async def confirm_change_set(self, *, name: str, request_id: str = "", timeout: float | None = None) -> m.ChangeSet:
        """Keep what was applied."""
        request = m.ConfirmChangeSetRequest(name=name, request_id=request_id)
        return await self._call("/patronus.v1.ChangeSetService/ConfirmChangeSet", request, m.ChangeSet, timeout)

    async def rollback_change_set(
        self, *, name: str, request_id: str = "", timeout: float | None = None
    ) -> m.ChangeSet:
        """Put everything back as it was before it was applied: while it waits for its confirmation, and later as long
        as nobody has changed what it changed. The newest 8 of an organization can be taken back.
        """
        request = m.RollbackChangeSetRequest(name=name, request_id=request_id)
        return await self._call("/patronus.v1.ChangeSetService/RollbackChangeSet", request, m.ChangeSet, timeout)


class AsyncQosProfiles(AsyncCollection[m.QosProfile, m.QosProfilePatch]):
    """Access to qosProfiles."""

    kind = m.QosProfile


class AsyncUserSessions(AsyncCollection[m.UserSession, m.UserSessionPatch]):
    """Access to userSessions."""

    kind = m.UserSession


class AsyncNatPolicies(AsyncCollection[m.NatPolicy, m.NatPolicyPatch]):
    """Access to natPolicies."""

    kind = m.NatPolicy


class AsyncFirewallPolicies(AsyncCollection[m.FirewallPolicy, m.FirewallPolicyPatch]):
    """Access to firewallPolicies."""

    kind = m.FirewallPolicy


class AsyncFloodGuards(AsyncCollection[m.FloodGuard, m.FloodGuardPatch]):
    """Access to floodGuards."""

    kind = m.FloodGuard


class AsyncRateLimits(AsyncCollection[m.RateLimit, m.RateLimitPatch]):
    """Access to rateLimits."""

    kind = m.RateLimit


class AsyncClient(AsyncBaseClient):
    """A connection to a cluster, with await."""

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
    def organizations(self) -> AsyncOrganizations:
        """A tenant."""
        return AsyncOrganizations(self._driver)

    @property
    def sites(self) -> AsyncSites:
        """A place: a branch, a hub, a data centre."""
        return AsyncSites(self._driver)

    @property
    def edges(self) -> AsyncEdges:
        """A node that forwards packets for a site: one patronusd."""
        return AsyncEdges(self._driver)

    @property
    def links(self) -> AsyncLinks:
        """An underlay connection of an edge [MEF 70: underlay connectivity service]."""
        return AsyncLinks(self._driver)

    @property
    def fabrics(self) -> AsyncFabrics:
        """A set of sites that are connected with each other [MEF 70: SWVC]."""
        return AsyncFabrics(self._driver)

    @property
    def segments(self) -> AsyncSegments:
        """An isolated routing domain [VRF]."""
        return AsyncSegments(self._driver)

    @property
    def sla_profiles(self) -> AsyncSlaProfiles:
        """What a path must offer to an application."""
        return AsyncSlaProfiles(self._driver)

    @property
    def applications(self) -> AsyncApplications:
        """A kind of traffic, told by what its packets say."""
        return AsyncApplications(self._driver)

    @property
    def steering_policies(self) -> AsyncSteeringPolicies:
        """Which paths the traffic of a segment may or should take."""
        return AsyncSteeringPolicies(self._driver)

    @property
    def models(self) -> AsyncModels:
        """A model with a purpose; its versions hold what was trained."""
        return AsyncModels(self._driver)

    @property
    def model_versions(self) -> AsyncModelVersions:
        """One trained state of a model."""
        return AsyncModelVersions(self._driver)

    @property
    def controllers(self) -> AsyncControllers:
        """A node that is, or may become, a Raft voter."""
        return AsyncControllers(self._driver)

    @property
    def enrollment_tokens(self) -> AsyncEnrollmentTokens:
        """Permission for one node to join."""
        return AsyncEnrollmentTokens(self._driver)

    @property
    def tunnels(self) -> AsyncTunnels:
        """A tunnel between two links of different sites: a view, made from fabrics and links."""
        return AsyncTunnels(self._driver)

    @property
    def paths(self) -> AsyncPaths:
        """A way from one site to another, over one or more tunnels: a view, made by traffic engineering."""
        return AsyncPaths(self._driver)

    @property
    def roles(self) -> AsyncRoles:
        """A set of permissions with a name."""
        return AsyncRoles(self._driver)

    @property
    def role_bindings(self) -> AsyncRoleBindings:
        """Who has a role, in its organization and all below."""
        return AsyncRoleBindings(self._driver)

    @property
    def cluster_role_bindings(self) -> AsyncClusterRoleBindings:
        """Who has a role in the whole cluster: in every organization and in what stands above them."""
        return AsyncClusterRoleBindings(self._driver)

    @property
    def service_accounts(self) -> AsyncServiceAccounts:
        """A program that calls the API."""
        return AsyncServiceAccounts(self._driver)

    @property
    def api_keys(self) -> AsyncApiKeys:
        """A key that speaks for a service account."""
        return AsyncApiKeys(self._driver)

    @property
    def identity_providers(self) -> AsyncIdentityProviders:
        """An OpenID Connect issuer whose tokens name users: organizations/acme/identityProviders/okta/users/SUBJECT."""
        return AsyncIdentityProviders(self._driver)

    @property
    def denied_identities(self) -> AsyncDeniedIdentities:
        """An identity that is refused at every door, whatever it presents, and whose open streams end."""
        return AsyncDeniedIdentities(self._driver)

    @property
    def demands(self) -> AsyncDemands:
        """Traffic that is expected between two sites, entered by hand: it stands beside what is measured when a what-if question says so."""
        return AsyncDemands(self._driver)

    @property
    def change_sets(self) -> AsyncChangeSets:
        """Changes of resources of one organization that are applied together or not at all."""
        return AsyncChangeSets(self._driver)

    @property
    def qos_profiles(self) -> AsyncQosProfiles:
        """How the traffic of a WAN link is divided among classes, when the link is full."""
        return AsyncQosProfiles(self._driver)

    @property
    def user_sessions(self) -> AsyncUserSessions:
        """A user who is logged in: whose packets those from an address are, until when."""
        return AsyncUserSessions(self._driver)

    @property
    def nat_policies(self) -> AsyncNatPolicies:
        """How addresses of a segment are translated at its edges."""
        return AsyncNatPolicies(self._driver)

    @property
    def firewall_policies(self) -> AsyncFirewallPolicies:
        """What hosts of a segment may begin."""
        return AsyncFirewallPolicies(self._driver)

    @property
    def flood_guards(self) -> AsyncFloodGuards:
        """Protection of edges against floods, judged where packets of the underlay arrive."""
        return AsyncFloodGuards(self._driver)

    @property
    def rate_limits(self) -> AsyncRateLimits:
        """How much a tenant, or a site towards another, may send."""
        return AsyncRateLimits(self._driver)

    @property
    def access(self) -> AsyncAccessMethods:
        """Methods of AccessService."""
        return AsyncAccessMethods(self._driver)

    @property
    def artifact(self) -> AsyncArtifactMethods:
        """Methods of ArtifactService."""
        return AsyncArtifactMethods(self._driver)

    @property
    def audit(self) -> AsyncAuditMethods:
        """Methods of AuditService."""
        return AsyncAuditMethods(self._driver)

    @property
    def authority(self) -> AsyncAuthorityMethods:
        """Methods of AuthorityService."""
        return AsyncAuthorityMethods(self._driver)

    @property
    def cluster(self) -> AsyncClusterMethods:
        """Methods of ClusterService."""
        return AsyncClusterMethods(self._driver)

    @property
    def diagnostics(self) -> AsyncDiagnosticsMethods:
        """Methods of DiagnosticsService."""
        return AsyncDiagnosticsMethods(self._driver)

    @property
    def enrollment(self) -> AsyncEnrollmentMethods:
        """Methods of EnrollmentService."""
        return AsyncEnrollmentMethods(self._driver)

    @property
    def explain(self) -> AsyncExplainMethods:
        """Methods of ExplainService."""
        return AsyncExplainMethods(self._driver)

    @property
    def revision(self) -> AsyncRevisionMethods:
        """Methods of RevisionService."""
        return AsyncRevisionMethods(self._driver)

    @property
    def traffic_engineering(self) -> AsyncTrafficEngineeringMethods:
        """Methods of TrafficEngineeringService."""
        return AsyncTrafficEngineeringMethods(self._driver)
