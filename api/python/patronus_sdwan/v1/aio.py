"""The client with await.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from .. import v1 as m
from ..aio import AsyncBaseClient, AsyncCollection, AsyncReadCollection, AsyncService
from ..message import Resource
from ..transport import AsyncRequests


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


class AsyncAccessMethods(AsyncService):
    """Methods of AccessService."""

    async def test_iam_permissions(
        self, *, resource: str = "", permissions: list[str] | None = None, timeout: float | None = None
    ) -> m.TestIamPermissionsResponse:
        """Which of these permissions does the caller have? Asks, and answers, nothing about others."""
        request = m.TestIamPermissionsRequest(resource=resource, permissions=permissions or [])
        return await self._call(
            "/patronus.v1.AccessService/TestIamPermissions", request, m.TestIamPermissionsResponse, timeout
        )


class AsyncArtifactMethods(AsyncService):
    """Methods of ArtifactService."""

    async def upload_artifact(
        self, requests: AsyncRequests[m.UploadArtifactRequest], *, timeout: float | None = None
    ) -> m.ModelVersion:
        """Send the bytes of a version, whose digest and size its record says. Answered when a majority of the voters
        has them on disk; at once when they are there already. Any controller takes them.
        """
        return await self._upload("/patronus.v1.ArtifactService/UploadArtifact", requests, m.ModelVersion, timeout)

    def download_artifact(
        self, *, name: str, offset: int = 0, limit: int = 0, timeout: float | None = None
    ) -> AsyncIterator[m.ArtifactChunk]:
        """Fetch the bytes of a version from a controller that has them; it checks them before it sends them."""
        request = m.DownloadArtifactRequest(name=name, offset=offset, limit=limit)
        return self._stream("/patronus.v1.ArtifactService/DownloadArtifact", request, m.ArtifactChunk, timeout)

    async def offer_artifact(
        self,
        *,
        name: str,
        digest: str,
        principal: str,
        groups: list[str] | None = None,
        api_key: str = "",
        source: str = "",
        timeout: float | None = None,
    ) -> m.OfferArtifactResponse:
        """Of controllers: tell the leader of bytes that came."""
        request = m.OfferArtifactRequest(
            name=name, digest=digest, principal=principal, groups=groups or [], api_key=api_key, source=source
        )
        return await self._call("/patronus.v1.ArtifactService/OfferArtifact", request, m.OfferArtifactResponse, timeout)

    async def report_artifacts(
        self, *, digests: list[str] | None = None, collect: bool = False, timeout: float | None = None
    ) -> m.ReportArtifactsResponse:
        """Of controllers: tell the leader what they have, and ask what is not needed."""
        request = m.ReportArtifactsRequest(digests=digests or [], collect=collect)
        return await self._call(
            "/patronus.v1.ArtifactService/ReportArtifacts", request, m.ReportArtifactsResponse, timeout
        )


class AsyncAuditMethods(AsyncService):
    """Methods of AuditService."""

    async def query_audit(
        self, *, parent_: str = "", after_revision: int = 0, page_size: int = 0, timeout: float | None = None
    ) -> m.QueryAuditResponse:
        """Read records."""
        request = m.QueryAuditRequest(parent_=parent_, after_revision=after_revision, page_size=page_size)
        return await self._call("/patronus.v1.AuditService/QueryAudit", request, m.QueryAuditResponse, timeout)

    async def report_denied(
        self, *, calls: list[m.DeniedCall] | None = None, timeout: float | None = None
    ) -> m.ReportDeniedResponse:
        """Of controllers: calls that they refused, for the leader to record."""
        request = m.DeniedCalls(calls=calls or [])
        return await self._call("/patronus.v1.AuditService/ReportDenied", request, m.ReportDeniedResponse, timeout)


class AsyncAuthorityMethods(AsyncService):
    """Methods of AuthorityService."""

    async def list_authorities(self, *, timeout: float | None = None) -> m.RotationStatus:
        """Which there are, and how far a rotation is."""
        request = m.ListAuthoritiesRequest()
        return await self._call("/patronus.v1.AuthorityService/ListAuthorities", request, m.RotationStatus, timeout)

    async def rotate_authority(
        self, *, validate_only: bool = False, force: bool = False, abort: bool = False, timeout: float | None = None
    ) -> m.RotationStatus:
        """Replace the authority by overlap. Answers at once; the leaders do the rest, see ListAuthorities."""
        request = m.RotateAuthorityRequest(validate_only=validate_only, force=force, abort=abort)
        return await self._call("/patronus.v1.AuthorityService/RotateAuthority", request, m.RotationStatus, timeout)

    async def report_trust(
        self,
        *,
        trust_digest: bytes = b"",
        issuer: str = "",
        expire_time_ns: int = 0,
        seen: list[m.SeenCredential] | None = None,
        next_seal_key_digest: bytes = b"",
        timeout: float | None = None,
    ) -> m.ReportTrustResponse:
        """Of controllers: what they trust."""
        request = m.TrustReport(
            trust_digest=trust_digest,
            issuer=issuer,
            expire_time_ns=expire_time_ns,
            seen=seen or [],
            next_seal_key_digest=next_seal_key_digest,
        )
        return await self._call("/patronus.v1.AuthorityService/ReportTrust", request, m.ReportTrustResponse, timeout)

    async def reseal_secrets(
        self, *, validate_only: bool = False, timeout: float | None = None
    ) -> m.ResealSecretsResponse:
        """Seal the cluster's secrets under the next seal key, which every controller must have been given."""
        request = m.ResealSecretsRequest(validate_only=validate_only)
        return await self._call(
            "/patronus.v1.AuthorityService/ResealSecrets", request, m.ResealSecretsResponse, timeout
        )


class AsyncClusterMethods(AsyncService):
    """Methods of ClusterService."""

    async def get_cluster_status(self, *, timeout: float | None = None) -> m.GetClusterStatusResponse:
        """How the answering node sees the cluster."""
        request = m.GetClusterStatusRequest()
        return await self._call(
            "/patronus.v1.ClusterService/GetClusterStatus", request, m.GetClusterStatusResponse, timeout
        )

    async def transfer_leadership(
        self, *, controller: str = "", timeout: float | None = None
    ) -> m.TransferLeadershipResponse:
        """Hand leadership to another voter."""
        request = m.TransferLeadershipRequest(controller=controller)
        return await self._call(
            "/patronus.v1.ClusterService/TransferLeadership", request, m.TransferLeadershipResponse, timeout
        )

    async def finalize_upgrade(
        self, *, validate_only: bool = False, timeout: float | None = None
    ) -> m.FinalizeUpgradeResponse:
        """End a rolling upgrade: raise the cluster level to what the leader's binary supports. Refused while a
        controller does not support it, or does not answer. There is no way back: older binaries stop with a
        message from then on.
        """
        request = m.FinalizeUpgradeRequest(validate_only=validate_only)
        return await self._call(
            "/patronus.v1.ClusterService/FinalizeUpgrade", request, m.FinalizeUpgradeResponse, timeout
        )

    def backup(self, *, stale: bool = False, timeout: float | None = None) -> AsyncIterator[m.BackupChunk]:
        """Everything that the cluster knows, as a new voter would get it, while the cluster goes on. Any controller
        answers. Secrets in it are sealed; the seal key is not in it.
        """
        request = m.BackupRequest(stale=stale)
        return self._stream("/patronus.v1.ClusterService/Backup", request, m.BackupChunk, timeout)


class AsyncEnrollmentMethods(AsyncService):
    """Methods of EnrollmentService."""

    async def enroll(
        self,
        *,
        token: str = "",
        csr: bytes = b"",
        controller_id: str = "",
        peer_address: str = "",
        api_address: str = "",
        agent_address: str = "",
        region: str = "",
        timeout: float | None = None,
    ) -> m.EnrollResponse:
        """Exchange a token and a certificate request for an identity."""
        request = m.EnrollRequest(
            token=token,
            csr=csr,
            controller_id=controller_id,
            peer_address=peer_address,
            api_address=api_address,
            agent_address=agent_address,
            region=region,
        )
        return await self._call("/patronus.v1.EnrollmentService/Enroll", request, m.EnrollResponse, timeout)

    async def renew(
        self, *, certificate_pem: str = "", csr: bytes = b"", timeout: float | None = None
    ) -> m.RenewResponse:
        """Replace a certificate by proof of the enrolled key."""
        request = m.RenewRequest(certificate_pem=certificate_pem, csr=csr)
        return await self._call("/patronus.v1.EnrollmentService/Renew", request, m.RenewResponse, timeout)


class AsyncExplainMethods(AsyncService):
    """Methods of ExplainService."""

    async def explain_flow(
        self,
        *,
        parent_: str,
        source: str,
        destination: str,
        protocol: int = 0,
        source_port: int = 0,
        destination_port: int = 0,
        site: str = "",
        segment: str = "",
        time: datetime.datetime | None = None,
        timeout: float | None = None,
    ) -> m.ExplainFlowResponse:
        """Why a flow went where it went, at any time that its edge remembers."""
        request = m.ExplainFlowRequest(
            parent_=parent_,
            source=source,
            destination=destination,
            protocol=protocol,
            source_port=source_port,
            destination_port=destination_port,
            site=site,
            segment=segment,
            time=time,
        )
        return await self._call("/patronus.v1.ExplainService/ExplainFlow", request, m.ExplainFlowResponse, timeout)

    async def explain_drop(
        self, *, parent_: str, site: str = "", reason: str = "", timeout: float | None = None
    ) -> m.ExplainDropResponse:
        """What was dropped, why, and what to do."""
        request = m.ExplainDropRequest(parent_=parent_, site=site, reason=reason)
        return await self._call("/patronus.v1.ExplainService/ExplainDrop", request, m.ExplainDropResponse, timeout)


class AsyncRevisionMethods(AsyncService):
    """Methods of RevisionService."""

    async def list_revisions(
        self, *, name: str, revision: int = 0, timeout: float | None = None
    ) -> m.ListRevisionsResponse:
        """Read what is kept of one resource; as Get does, for whoever may get it."""
        request = m.ListRevisionsRequest(name=name, revision=revision)
        return await self._call("/patronus.v1.RevisionService/ListRevisions", request, m.ListRevisionsResponse, timeout)

    async def restore_revision(
        self,
        *,
        name: str,
        revision: int,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> m.RestoreRevisionResponse:
        """Give a resource the fields of an earlier revision, or make a deleted one anew: an Update like any other,
        for whoever may make it. OUT_OF_RANGE when the revision is not kept.
        """
        request = m.RestoreRevisionRequest(
            name=name, revision=revision, etag=etag, request_id=request_id, validate_only=validate_only
        )
        return await self._call(
            "/patronus.v1.RevisionService/RestoreRevision", request, m.RestoreRevisionResponse, timeout
        )


class AsyncTrafficEngineeringMethods(AsyncService):
    """Methods of TrafficEngineeringService."""

    async def get_traffic_matrix(
        self, *, parent_: str, min_rate_bps: int = 0, timeout: float | None = None
    ) -> m.GetTrafficMatrixResponse:
        """The traffic matrix as measured."""
        request = m.GetTrafficMatrixRequest(parent_=parent_, min_rate_bps=min_rate_bps)
        return await self._call(
            "/patronus.v1.TrafficEngineeringService/GetTrafficMatrix", request, m.GetTrafficMatrixResponse, timeout
        )

    async def what_if(
        self,
        *,
        parent_: str,
        fail_links: list[str] | None = None,
        fail_sites: list[str] | None = None,
        fail_srlgs: list[int] | None = None,
        demands: list[m.AddedDemand] | None = None,
        links: list[m.ChangedLink] | None = None,
        planned: bool = False,
        scale_percent: int = 0,
        timeout: float | None = None,
    ) -> m.WhatIfResponse:
        """What would happen if."""
        request = m.WhatIfRequest(
            parent_=parent_,
            fail_links=fail_links or [],
            fail_sites=fail_sites or [],
            fail_srlgs=fail_srlgs or [],
            demands=demands or [],
            links=links or [],
            planned=planned,
            scale_percent=scale_percent,
        )
        return await self._call("/patronus.v1.TrafficEngineeringService/WhatIf", request, m.WhatIfResponse, timeout)

    async def drain(
        self, *, name: str, force: bool = False, validate_only: bool = False, timeout: float | None = None
    ) -> m.DrainResponse:
        """Take the traffic off a site or link. Refused with FAILED_PRECONDITION when the rest lacks capacity."""
        request = m.DrainRequest(name=name, force=force, validate_only=validate_only)
        return await self._call("/patronus.v1.TrafficEngineeringService/Drain", request, m.DrainResponse, timeout)

    async def undrain(self, *, name: str, timeout: float | None = None) -> m.DrainResponse:
        """Put it back, a quarter at a time."""
        request = m.UndrainRequest(name=name)
        return await self._call("/patronus.v1.TrafficEngineeringService/Undrain", request, m.DrainResponse, timeout)

    async def explain_demand(
        self,
        *,
        source_site: str,
        destination_site: str,
        constraints: m.PathConstraints | None = None,
        timeout: float | None = None,
    ) -> m.ExplainDemandResponse:
        """Which paths the traffic between two sites takes, and why."""
        request = m.ExplainDemandRequest(
            source_site=source_site, destination_site=destination_site, constraints=constraints
        )
        return await self._call(
            "/patronus.v1.TrafficEngineeringService/ExplainDemand", request, m.ExplainDemandResponse, timeout
        )

    async def list_solutions(
        self, *, parent_: str, summary: bool = False, timeout: float | None = None
    ) -> m.ListSolutionsResponse:
        """The newest solutions."""
        request = m.ListSolutionsRequest(parent_=parent_, summary=summary)
        return await self._call(
            "/patronus.v1.TrafficEngineeringService/ListSolutions", request, m.ListSolutionsResponse, timeout
        )

    async def measure_bandwidth(
        self, *, name: str, max_rate_bps: int = 0, timeout: float | None = None
    ) -> m.MeasureBandwidthResponse:
        """How much more a path could carry: trains of probes from its edge, at most 4 MB and 10 s; at most one at a
        time on an edge, and each path once in 10 s.
        """
        request = m.MeasureBandwidthRequest(name=name, max_rate_bps=max_rate_bps)
        return await self._call(
            "/patronus.v1.TrafficEngineeringService/MeasureBandwidth", request, m.MeasureBandwidthResponse, timeout
        )


METHODS: dict[str, tuple[str, str, str, bool, bool]] = {
    "AccessService.TestIamPermissions": ("access", "test_iam_permissions", "TestIamPermissionsRequest", False, False),
    "ApiKeyService.IssueApiKey": ("api_keys", "issue_api_key", "IssueApiKeyRequest", False, False),
    "AuthorityService.ListAuthorities": ("authority", "list_authorities", "ListAuthoritiesRequest", True, False),
    "AuthorityService.RotateAuthority": ("authority", "rotate_authority", "RotateAuthorityRequest", False, False),
    "AuthorityService.ReportTrust": ("authority", "report_trust", "TrustReport", False, False),
    "AuthorityService.ResealSecrets": ("authority", "reseal_secrets", "ResealSecretsRequest", False, False),
    "AuditService.QueryAudit": ("audit", "query_audit", "QueryAuditRequest", False, False),
    "AuditService.ReportDenied": ("audit", "report_denied", "DeniedCalls", False, False),
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
    "OrganizationService.UndeleteOrganization": (
        "organizations",
        "undelete_organization",
        "UndeleteOrganizationRequest",
        False,
        False,
    ),
}
"""By service and method: collection, method, request, whether it only reads, whether it takes a stream."""


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
