"""Methods of services that are no kind's.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from .. import v1 as m
from ..sync import Service
from ..transport import Requests


class AccessMethods(Service):
    """Methods of AccessService."""

    def test_iam_permissions(
        self, *, resource: str = "", permissions: list[str] | None = None, timeout: float | None = None
    ) -> m.TestIamPermissionsResponse:
        """Which of these permissions does the caller have? Asks, and answers, nothing about others."""
        request = m.TestIamPermissionsRequest(resource=resource, permissions=permissions or [])
        return self._call(
            "/patronus.v1.AccessService/TestIamPermissions", request, m.TestIamPermissionsResponse, timeout
        )


class ArtifactMethods(Service):
    """Methods of ArtifactService."""

    def upload_artifact(
        self, requests: Requests[m.UploadArtifactRequest], *, timeout: float | None = None
    ) -> m.ModelVersion:
        """Send the bytes of a version, whose digest and size its record says. Answered when a majority of the voters
        has them on disk; at once when they are there already. Any controller takes them.
        """
        return self._upload("/patronus.v1.ArtifactService/UploadArtifact", requests, m.ModelVersion, timeout)

    def download_artifact(
        self, *, name: str, offset: int = 0, limit: int = 0, timeout: float | None = None
    ) -> Iterator[m.ArtifactChunk]:
        """Fetch the bytes of a version from a controller that has them; it checks them before it sends them."""
        request = m.DownloadArtifactRequest(name=name, offset=offset, limit=limit)
        return self._stream("/patronus.v1.ArtifactService/DownloadArtifact", request, m.ArtifactChunk, timeout)

    def offer_artifact(
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
        return self._call("/patronus.v1.ArtifactService/OfferArtifact", request, m.OfferArtifactResponse, timeout)

    def report_artifacts(
        self, *, digests: list[str] | None = None, collect: bool = False, timeout: float | None = None
    ) -> m.ReportArtifactsResponse:
        """Of controllers: tell the leader what they have, and ask what is not needed."""
        request = m.ReportArtifactsRequest(digests=digests or [], collect=collect)
        return self._call("/patronus.v1.ArtifactService/ReportArtifacts", request, m.ReportArtifactsResponse, timeout)


class AuditMethods(Service):
    """Methods of AuditService."""

    def query_audit(
        self, *, parent_: str = "", after_revision: int = 0, page_size: int = 0, timeout: float | None = None
    ) -> m.QueryAuditResponse:
        """Read records."""
        request = m.QueryAuditRequest(parent_=parent_, after_revision=after_revision, page_size=page_size)
        return self._call("/patronus.v1.AuditService/QueryAudit", request, m.QueryAuditResponse, timeout)

    def report_denied(
        self, *, calls: list[m.RecordedCall] | None = None, timeout: float | None = None
    ) -> m.ReportDeniedResponse:
        """Of controllers: calls that they refused, for the leader to record."""
        request = m.RecordedCalls(calls=calls or [])
        return self._call("/patronus.v1.AuditService/ReportDenied", request, m.ReportDeniedResponse, timeout)


class AuthorityMethods(Service):
    """Methods of AuthorityService."""

    def list_authorities(self, *, timeout: float | None = None) -> m.RotationStatus:
        """Which there are, and how far a rotation is."""
        request = m.ListAuthoritiesRequest()
        return self._call("/patronus.v1.AuthorityService/ListAuthorities", request, m.RotationStatus, timeout)

    def rotate_authority(
        self, *, validate_only: bool = False, force: bool = False, abort: bool = False, timeout: float | None = None
    ) -> m.RotationStatus:
        """Replace the authority by overlap. Answers at once; the leaders do the rest, see ListAuthorities."""
        request = m.RotateAuthorityRequest(validate_only=validate_only, force=force, abort=abort)
        return self._call("/patronus.v1.AuthorityService/RotateAuthority", request, m.RotationStatus, timeout)

    def report_trust(
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
        return self._call("/patronus.v1.AuthorityService/ReportTrust", request, m.ReportTrustResponse, timeout)

    def issue_credential(
        self,
        *,
        id_: str = "",
        role: str = "",
        csr: bytes = b"",
        lifetime: datetime.timedelta | None = None,
        timeout: float | None = None,
    ) -> m.IssueCredentialResponse:
        """A certificate for a person. Recorded in the audit log before it is signed; whoever asks holds what the
        identity holds.
        """
        request = m.IssueCredentialRequest(id_=id_, role=role, csr=csr, lifetime=lifetime)
        return self._call("/patronus.v1.AuthorityService/IssueCredential", request, m.IssueCredentialResponse, timeout)

    def reseal_secrets(self, *, validate_only: bool = False, timeout: float | None = None) -> m.ResealSecretsResponse:
        """Seal the cluster's secrets under the next seal key, which every controller must have been given."""
        request = m.ResealSecretsRequest(validate_only=validate_only)
        return self._call("/patronus.v1.AuthorityService/ResealSecrets", request, m.ResealSecretsResponse, timeout)


class ClusterMethods(Service):
    """Methods of ClusterService."""

    def get_cluster_status(self, *, timeout: float | None = None) -> m.GetClusterStatusResponse:
        """How the answering node sees the cluster."""
        request = m.GetClusterStatusRequest()
        return self._call("/patronus.v1.ClusterService/GetClusterStatus", request, m.GetClusterStatusResponse, timeout)

    def transfer_leadership(
        self, *, controller: str = "", timeout: float | None = None
    ) -> m.TransferLeadershipResponse:
        """Hand leadership to another voter."""
        request = m.TransferLeadershipRequest(controller=controller)
        return self._call(
            "/patronus.v1.ClusterService/TransferLeadership", request, m.TransferLeadershipResponse, timeout
        )

    def finalize_upgrade(
        self, *, validate_only: bool = False, timeout: float | None = None
    ) -> m.FinalizeUpgradeResponse:
        """End a rolling upgrade: raise the cluster level to what the leader's binary supports. Refused while a
        controller does not support it, or does not answer. There is no way back: older binaries stop with a
        message from then on.
        """
        request = m.FinalizeUpgradeRequest(validate_only=validate_only)
        return self._call("/patronus.v1.ClusterService/FinalizeUpgrade", request, m.FinalizeUpgradeResponse, timeout)

    def backup(self, *, stale: bool = False, timeout: float | None = None) -> Iterator[m.BackupChunk]:
        """Everything that the cluster knows, as a new voter would get it, while the cluster goes on. Any controller
        answers. Secrets in it are sealed; the seal key is not in it.
        """
        request = m.BackupRequest(stale=stale)
        return self._stream("/patronus.v1.ClusterService/Backup", request, m.BackupChunk, timeout)


class DiagnosticsMethods(Service):
    """Methods of DiagnosticsService."""

    def ping(
        self,
        *,
        edge: str,
        destination: str,
        segment: str = "",
        count: int = 0,
        interval_ms: int = 0,
        payload_size: int = 0,
        timeout_ms: int = 0,
        dscp: int = 0,
        timeout: float | None = None,
    ) -> Iterator[m.PingResponse]:
        """Send echoes from an edge into a segment; a message for each as it is answered or given up."""
        request = m.PingRequest(
            edge=edge,
            destination=destination,
            segment=segment,
            count=count,
            interval_ms=interval_ms,
            payload_size=payload_size,
            timeout_ms=timeout_ms,
            dscp=dscp,
        )
        return self._stream("/patronus.v1.DiagnosticsService/Ping", request, m.PingResponse, timeout)

    def traceroute(
        self,
        *,
        edge: str,
        destination: str,
        segment: str = "",
        max_hops: int = 0,
        probes: int = 0,
        timeout_ms: int = 0,
        dscp: int = 0,
        timeout: float | None = None,
    ) -> Iterator[m.TracerouteResponse]:
        """Which routers a packet meets on its way from an edge into a segment."""
        request = m.TracerouteRequest(
            edge=edge,
            destination=destination,
            segment=segment,
            max_hops=max_hops,
            probes=probes,
            timeout_ms=timeout_ms,
            dscp=dscp,
        )
        return self._stream("/patronus.v1.DiagnosticsService/Traceroute", request, m.TracerouteResponse, timeout)

    def capture(
        self,
        *,
        edge: str,
        segment: str,
        prefix: str = "",
        protocol: int = 0,
        port: int = 0,
        snap_size: int = 0,
        max_packets: int = 0,
        max_size: int = 0,
        duration_ms: int = 0,
        timeout: float | None = None,
    ) -> Iterator[m.CaptureResponse]:
        """What passes on a segment's wires at an edge's site, as a capture file. Contents of traffic are shown: the
        permission is one that no built-in role but ROLE_ADMIN holds.
        """
        request = m.CaptureRequest(
            edge=edge,
            segment=segment,
            prefix=prefix,
            protocol=protocol,
            port=port,
            snap_size=snap_size,
            max_packets=max_packets,
            max_size=max_size,
            duration_ms=duration_ms,
        )
        return self._stream("/patronus.v1.DiagnosticsService/Capture", request, m.CaptureResponse, timeout)

    def probe_path(
        self, *, name: str, count: int = 0, interval_ms: int = 0, timeout: float | None = None
    ) -> Iterator[m.ProbePathResponse]:
        """What a path is like, reading by reading."""
        request = m.ProbePathRequest(name=name, count=count, interval_ms=interval_ms)
        return self._stream("/patronus.v1.DiagnosticsService/ProbePath", request, m.ProbePathResponse, timeout)

    def diagnose_site(self, *, name: str, timeout: float | None = None) -> m.DiagnoseSiteResponse:
        """Probable causes of what is wrong at a site, with evidence and what to do."""
        request = m.DiagnoseSiteRequest(name=name)
        return self._call("/patronus.v1.DiagnosticsService/DiagnoseSite", request, m.DiagnoseSiteResponse, timeout)


class EnrollmentMethods(Service):
    """Methods of EnrollmentService."""

    def enroll(
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
        return self._call("/patronus.v1.EnrollmentService/Enroll", request, m.EnrollResponse, timeout)

    def renew(self, *, certificate_pem: str = "", csr: bytes = b"", timeout: float | None = None) -> m.RenewResponse:
        """Replace a certificate by proof of the enrolled key."""
        request = m.RenewRequest(certificate_pem=certificate_pem, csr=csr)
        return self._call("/patronus.v1.EnrollmentService/Renew", request, m.RenewResponse, timeout)


class ExplainMethods(Service):
    """Methods of ExplainService."""

    def explain_flow(
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
        return self._call("/patronus.v1.ExplainService/ExplainFlow", request, m.ExplainFlowResponse, timeout)

    def explain_drop(
        self, *, parent_: str, site: str = "", reason: str = "", timeout: float | None = None
    ) -> m.ExplainDropResponse:
        """What was dropped, why, and what to do."""
        request = m.ExplainDropRequest(parent_=parent_, site=site, reason=reason)
        return self._call("/patronus.v1.ExplainService/ExplainDrop", request, m.ExplainDropResponse, timeout)


class RevisionMethods(Service):
    """Methods of RevisionService."""

    def list_revisions(self, *, name: str, revision: int = 0, timeout: float | None = None) -> m.ListRevisionsResponse:
        """Read what is kept of one resource; as Get does, for whoever may get it."""
        request = m.ListRevisionsRequest(name=name, revision=revision)
        return self._call("/patronus.v1.RevisionService/ListRevisions", request, m.ListRevisionsResponse, timeout)

    def restore_revision(
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
        return self._call("/patronus.v1.RevisionService/RestoreRevision", request, m.RestoreRevisionResponse, timeout)


class TrafficEngineeringMethods(Service):
    """Methods of TrafficEngineeringService."""

    def get_traffic_matrix(
        self, *, parent_: str, min_rate_bps: int = 0, timeout: float | None = None
    ) -> m.GetTrafficMatrixResponse:
        """The traffic matrix as measured."""
        request = m.GetTrafficMatrixRequest(parent_=parent_, min_rate_bps=min_rate_bps)
        return self._call(
            "/patronus.v1.TrafficEngineeringService/GetTrafficMatrix", request, m.GetTrafficMatrixResponse, timeout
        )

    def what_if(
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
        return self._call("/patronus.v1.TrafficEngineeringService/WhatIf", request, m.WhatIfResponse, timeout)

    def drain(
        self, *, name: str, force: bool = False, validate_only: bool = False, timeout: float | None = None
    ) -> m.DrainResponse:
        """Take the traffic off a site or link. Refused with FAILED_PRECONDITION when the rest lacks capacity."""
        request = m.DrainRequest(name=name, force=force, validate_only=validate_only)
        return self._call("/patronus.v1.TrafficEngineeringService/Drain", request, m.DrainResponse, timeout)

    def undrain(self, *, name: str, timeout: float | None = None) -> m.DrainResponse:
        """Put it back, a quarter at a time."""
        request = m.UndrainRequest(name=name)
        return self._call("/patronus.v1.TrafficEngineeringService/Undrain", request, m.DrainResponse, timeout)

    def explain_demand(
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
        return self._call(
            "/patronus.v1.TrafficEngineeringService/ExplainDemand", request, m.ExplainDemandResponse, timeout
        )

    def list_solutions(
        self, *, parent_: str, summary: bool = False, epoch: int = 0, part: int = 0, timeout: float | None = None
    ) -> m.ListSolutionsResponse:
        """The newest solutions."""
        request = m.ListSolutionsRequest(parent_=parent_, summary=summary, epoch=epoch, part=part)
        return self._call(
            "/patronus.v1.TrafficEngineeringService/ListSolutions", request, m.ListSolutionsResponse, timeout
        )

    def measure_bandwidth(
        self, *, name: str, max_rate_bps: int = 0, timeout: float | None = None
    ) -> m.MeasureBandwidthResponse:
        """How much more a path could carry: trains of probes from its edge, at most 4 MB and 10 s; at most one at a
        time on an edge, and each path once in 10 s.
        """
        request = m.MeasureBandwidthRequest(name=name, max_rate_bps=max_rate_bps)
        return self._call(
            "/patronus.v1.TrafficEngineeringService/MeasureBandwidth", request, m.MeasureBandwidthResponse, timeout
        )
