/** The services of the API. Generated from the schema by api/tools/generate; do not edit. */

import type { CallOptions, Requests, Session } from "../call.js";
import { Collection, ReadCollection, Service } from "../collection.js";
import { KINDS } from "./kinds.js";
import type * as m from "./models.js";

/** Access to organizations. */
export class Organizations extends Collection<m.Organization, m.OrganizationInit, m.OrganizationFields> {
  constructor(session: Session) {
    super(session, KINDS.Organization);
  }

  /** Bring a deleted organization back as it was, with everything that was deleted with it (AIP-164). */
  async undeleteOrganization(request: m.UndeleteOrganizationRequestInit = {}, options: CallOptions = {}): Promise<m.Organization> {
    const reply = await this.custom("/patronus.v1.OrganizationService/UndeleteOrganization", request, options);
    return reply as unknown as m.Organization;
  }
}

/** Access to sites. */
export class Sites extends Collection<m.Site, m.SiteInit, m.SiteFields> {
  constructor(session: Session) {
    super(session, KINDS.Site);
  }
}

/** Access to edges. */
export class Edges extends Collection<m.Edge, m.EdgeInit, m.EdgeFields> {
  constructor(session: Session) {
    super(session, KINDS.Edge);
  }
}

/** Access to links. */
export class Links extends Collection<m.Link, m.LinkInit, m.LinkFields> {
  constructor(session: Session) {
    super(session, KINDS.Link);
  }
}

/** Access to fabrics. */
export class Fabrics extends Collection<m.Fabric, m.FabricInit, m.FabricFields> {
  constructor(session: Session) {
    super(session, KINDS.Fabric);
  }
}

/** Access to segments. */
export class Segments extends Collection<m.Segment, m.SegmentInit, m.SegmentFields> {
  constructor(session: Session) {
    super(session, KINDS.Segment);
  }
}

/** Access to slaProfiles. */
export class SlaProfiles extends Collection<m.SlaProfile, m.SlaProfileInit, m.SlaProfileFields> {
  constructor(session: Session) {
    super(session, KINDS.SlaProfile);
  }
}

/** Access to applications. */
export class Applications extends Collection<m.Application, m.ApplicationInit, m.ApplicationFields> {
  constructor(session: Session) {
    super(session, KINDS.Application);
  }

  /**
   * Say which applications the flows of a capture belong to, by the organization's own descriptions and all
   * signatures.
   */
  async classify(request: m.ClassifyRequestInit, options: CallOptions = {}): Promise<m.ClassifyResponse> {
    const reply = await this.custom("/patronus.v1.ApplicationService/Classify", request, options);
    return reply as unknown as m.ClassifyResponse;
  }
}

/** Access to steeringPolicies. */
export class SteeringPolicies extends Collection<m.SteeringPolicy, m.SteeringPolicyInit, m.SteeringPolicyFields> {
  constructor(session: Session) {
    super(session, KINDS.SteeringPolicy);
  }

  /** Which rule would decide about a packet, which path it would take, and why not the others. */
  async simulateSteering(request: m.SimulateSteeringRequestInit, options: CallOptions = {}): Promise<m.SimulateSteeringResponse> {
    const reply = await this.custom("/patronus.v1.SteeringPolicyService/SimulateSteering", request, options);
    return reply as unknown as m.SimulateSteeringResponse;
  }

  /** Rules that an earlier one keeps from ever deciding, or that match nothing. */
  async findShadowedRules(request: m.FindShadowedRulesRequestInit, options: CallOptions = {}): Promise<m.FindShadowedRulesResponse> {
    const reply = await this.custom("/patronus.v1.SteeringPolicyService/FindShadowedRules", request, options);
    return reply as unknown as m.FindShadowedRulesResponse;
  }
}

/** Access to models. */
export class Models extends Collection<m.Model, m.ModelInit, m.ModelFields> {
  constructor(session: Session) {
    super(session, KINDS.Model);
  }

  /** Put the version that was in use before back in use, in one step. */
  async rollbackModel(request: m.RollbackModelRequestInit, options: CallOptions = {}): Promise<m.Model> {
    const reply = await this.custom("/patronus.v1.ModelService/RollbackModel", request, options);
    return reply as unknown as m.Model;
  }
}

/** Access to versions. */
export class ModelVersions extends Collection<m.ModelVersion, m.ModelVersionInit, m.ModelVersionFields> {
  constructor(session: Session) {
    super(session, KINDS.ModelVersion);
  }

  /**
   * Put a version in use: it becomes LIVE and the model's live_version, what was LIVE becomes SHADOW, in one step.
   */
  async promoteModelVersion(request: m.PromoteModelVersionRequestInit, options: CallOptions = {}): Promise<m.Model> {
    const reply = await this.custom("/patronus.v1.ModelVersionService/PromoteModelVersion", request, options);
    return reply as unknown as m.Model;
  }
}

/** Access to controllers. */
export class Controllers extends Collection<m.Controller, m.ControllerInit, m.ControllerFields> {
  constructor(session: Session) {
    super(session, KINDS.Controller);
  }
}

/** Access to enrollmentTokens. */
export class EnrollmentTokens extends Collection<m.EnrollmentToken, m.EnrollmentTokenInit, m.EnrollmentTokenFields> {
  constructor(session: Session) {
    super(session, KINDS.EnrollmentToken);
  }
}

/** Access to tunnels. */
export class Tunnels extends ReadCollection<m.Tunnel> {
  constructor(session: Session) {
    super(session, KINDS.Tunnel);
  }
}

/** Access to paths. */
export class Paths extends ReadCollection<m.Path> {
  constructor(session: Session) {
    super(session, KINDS.Path);
  }
}

/** Access to roles. */
export class Roles extends Collection<m.Role, m.RoleInit, m.RoleFields> {
  constructor(session: Session) {
    super(session, KINDS.Role);
  }
}

/** Access to roleBindings. */
export class RoleBindings extends Collection<m.RoleBinding, m.RoleBindingInit, m.RoleBindingFields> {
  constructor(session: Session) {
    super(session, KINDS.RoleBinding);
  }
}

/** Access to clusterRoleBindings. */
export class ClusterRoleBindings extends Collection<m.ClusterRoleBinding, m.ClusterRoleBindingInit, m.ClusterRoleBindingFields> {
  constructor(session: Session) {
    super(session, KINDS.ClusterRoleBinding);
  }
}

/** Access to serviceAccounts. */
export class ServiceAccounts extends Collection<m.ServiceAccount, m.ServiceAccountInit, m.ServiceAccountFields> {
  constructor(session: Session) {
    super(session, KINDS.ServiceAccount);
  }
}

/** Access to apiKeys. */
export class ApiKeys extends Collection<m.ApiKey, m.ApiKeyInit, m.ApiKeyFields> {
  constructor(session: Session) {
    super(session, KINDS.ApiKey);
  }

  /** Make a key. Its text is in the answer and nowhere else. */
  async issueApiKey(request: m.IssueApiKeyRequestInit = {}, options: CallOptions = {}): Promise<m.IssueApiKeyResponse> {
    const reply = await this.custom("/patronus.v1.ApiKeyService/IssueApiKey", request, options);
    return reply as unknown as m.IssueApiKeyResponse;
  }
}

/** Access to identityProviders. */
export class IdentityProviders extends Collection<m.IdentityProvider, m.IdentityProviderInit, m.IdentityProviderFields> {
  constructor(session: Session) {
    super(session, KINDS.IdentityProvider);
  }
}

/** Access to deniedIdentities. */
export class DeniedIdentities extends Collection<m.DeniedIdentity, m.DeniedIdentityInit, m.DeniedIdentityFields> {
  constructor(session: Session) {
    super(session, KINDS.DeniedIdentity);
  }
}

/** Access to demands. */
export class Demands extends Collection<m.Demand, m.DemandInit, m.DemandFields> {
  constructor(session: Session) {
    super(session, KINDS.Demand);
  }
}

/** Access to changeSets. */
export class ChangeSets extends Collection<m.ChangeSet, m.ChangeSetInit, m.ChangeSetFields> {
  constructor(session: Session) {
    super(session, KINDS.ChangeSet);
  }

  /** What applying it would do: fields, quotas, nodes, paths. Changes nothing. */
  async planChangeSet(request: m.PlanChangeSetRequestInit, options: CallOptions = {}): Promise<m.PlanChangeSetResponse> {
    const reply = await this.custom("/patronus.v1.ChangeSetService/PlanChangeSet", request, options);
    return reply as unknown as m.PlanChangeSetResponse;
  }

  /** A resource as it would be with the change set applied. */
  async readStagedState(request: m.ReadStagedStateRequestInit, options: CallOptions = {}): Promise<m.ReadStagedStateResponse> {
    const reply = await this.custom("/patronus.v1.ChangeSetService/ReadStagedState", request, options);
    return reply as unknown as m.ReadStagedStateResponse;
  }

  /**
   * Put all changes in force in one step, or none of them. ABORTED when a resource is not what its change was staged
   * upon; the message says who changed it and when.
   */
  async applyChangeSet(request: m.ApplyChangeSetRequestInit, options: CallOptions = {}): Promise<m.ChangeSet> {
    const reply = await this.custom("/patronus.v1.ChangeSetService/ApplyChangeSet", request, options);
    return reply as unknown as m.ChangeSet;
  }

  /** Keep what was applied. */
  async confirmChangeSet(request: m.ConfirmChangeSetRequestInit, options: CallOptions = {}): Promise<m.ChangeSet> {
    const reply = await this.custom("/patronus.v1.ChangeSetService/ConfirmChangeSet", request, options);
    return reply as unknown as m.ChangeSet;
  }

  /**
   * Put everything back as it was before it was applied: while it waits for its confirmation, and later as long as
   * nobody has changed what it changed. The newest 8 of an organization can be taken back.
   */
  async rollbackChangeSet(request: m.RollbackChangeSetRequestInit, options: CallOptions = {}): Promise<m.ChangeSet> {
    const reply = await this.custom("/patronus.v1.ChangeSetService/RollbackChangeSet", request, options);
    return reply as unknown as m.ChangeSet;
  }
}

/** Access to qosProfiles. */
export class QosProfiles extends Collection<m.QosProfile, m.QosProfileInit, m.QosProfileFields> {
  constructor(session: Session) {
    super(session, KINDS.QosProfile);
  }
}

/** Access to userSessions. */
export class UserSessions extends Collection<m.UserSession, m.UserSessionInit, m.UserSessionFields> {
  constructor(session: Session) {
    super(session, KINDS.UserSession);
  }
}

/** Access to natPolicies. */
export class NatPolicies extends Collection<m.NatPolicy, m.NatPolicyInit, m.NatPolicyFields> {
  constructor(session: Session) {
    super(session, KINDS.NatPolicy);
  }
}

/** Access to firewallPolicies. */
export class FirewallPolicies extends Collection<m.FirewallPolicy, m.FirewallPolicyInit, m.FirewallPolicyFields> {
  constructor(session: Session) {
    super(session, KINDS.FirewallPolicy);
  }
}

/** Access to floodGuards. */
export class FloodGuards extends Collection<m.FloodGuard, m.FloodGuardInit, m.FloodGuardFields> {
  constructor(session: Session) {
    super(session, KINDS.FloodGuard);
  }
}

/** Access to rateLimits. */
export class RateLimits extends Collection<m.RateLimit, m.RateLimitInit, m.RateLimitFields> {
  constructor(session: Session) {
    super(session, KINDS.RateLimit);
  }
}

/** Methods of AccessService. */
export class AccessMethods extends Service {
  /** Which of these permissions does the caller have? Asks, and answers, nothing about others. */
  async testIamPermissions(request: m.TestIamPermissionsRequestInit = {}, options: CallOptions = {}): Promise<m.TestIamPermissionsResponse> {
    const reply = await this.custom("/patronus.v1.AccessService/TestIamPermissions", request, options);
    return reply as unknown as m.TestIamPermissionsResponse;
  }
}

/** Methods of ArtifactService. */
export class ArtifactMethods extends Service {
  /**
   * Send the bytes of a version, whose digest and size its record says. Answered when a majority of the voters has
   * them on disk; at once when they are there already. Any controller takes them.
   */
  async uploadArtifact(requests: Requests<m.UploadArtifactRequestInit>, options: CallOptions = {}): Promise<m.ModelVersion> {
    const reply = await this.upload("/patronus.v1.ArtifactService/UploadArtifact", requests, options);
    return reply as unknown as m.ModelVersion;
  }

  /** Fetch the bytes of a version from a controller that has them; it checks them before it sends them. */
  async *downloadArtifact(request: m.DownloadArtifactRequestInit, options: CallOptions = {}): AsyncGenerator<m.ArtifactChunk> {
    for await (const one of this.messages("/patronus.v1.ArtifactService/DownloadArtifact", request, options)) {
      yield one as unknown as m.ArtifactChunk;
    }
  }

  /** Of controllers: tell the leader of bytes that came. */
  async offerArtifact(request: m.OfferArtifactRequestInit, options: CallOptions = {}): Promise<m.OfferArtifactResponse> {
    const reply = await this.custom("/patronus.v1.ArtifactService/OfferArtifact", request, options);
    return reply as unknown as m.OfferArtifactResponse;
  }

  /** Of controllers: tell the leader what they have, and ask what is not needed. */
  async reportArtifacts(request: m.ReportArtifactsRequestInit = {}, options: CallOptions = {}): Promise<m.ReportArtifactsResponse> {
    const reply = await this.custom("/patronus.v1.ArtifactService/ReportArtifacts", request, options);
    return reply as unknown as m.ReportArtifactsResponse;
  }
}

/** Methods of AuditService. */
export class AuditMethods extends Service {
  /** Read records. */
  async queryAudit(request: m.QueryAuditRequestInit = {}, options: CallOptions = {}): Promise<m.QueryAuditResponse> {
    const reply = await this.custom("/patronus.v1.AuditService/QueryAudit", request, options);
    return reply as unknown as m.QueryAuditResponse;
  }

  /** Of controllers: calls that they refused, for the leader to record. */
  async reportDenied(request: m.RecordedCallsInit = {}, options: CallOptions = {}): Promise<m.ReportDeniedResponse> {
    const reply = await this.custom("/patronus.v1.AuditService/ReportDenied", request, options);
    return reply as unknown as m.ReportDeniedResponse;
  }
}

/** Methods of AuthorityService. */
export class AuthorityMethods extends Service {
  /** Which there are, and how far a rotation is. */
  async listAuthorities(request: m.ListAuthoritiesRequestInit = {}, options: CallOptions = {}): Promise<m.RotationStatus> {
    const reply = await this.custom("/patronus.v1.AuthorityService/ListAuthorities", request, options);
    return reply as unknown as m.RotationStatus;
  }

  /** Replace the authority by overlap. Answers at once; the leaders do the rest, see ListAuthorities. */
  async rotateAuthority(request: m.RotateAuthorityRequestInit = {}, options: CallOptions = {}): Promise<m.RotationStatus> {
    const reply = await this.custom("/patronus.v1.AuthorityService/RotateAuthority", request, options);
    return reply as unknown as m.RotationStatus;
  }

  /** Of controllers: what they trust. */
  async reportTrust(request: m.TrustReportInit = {}, options: CallOptions = {}): Promise<m.ReportTrustResponse> {
    const reply = await this.custom("/patronus.v1.AuthorityService/ReportTrust", request, options);
    return reply as unknown as m.ReportTrustResponse;
  }

  /**
   * A certificate for a person. Recorded in the audit log before it is signed; whoever asks holds what the identity
   * holds.
   */
  async issueCredential(request: m.IssueCredentialRequestInit = {}, options: CallOptions = {}): Promise<m.IssueCredentialResponse> {
    const reply = await this.custom("/patronus.v1.AuthorityService/IssueCredential", request, options);
    return reply as unknown as m.IssueCredentialResponse;
  }

  /** Seal the cluster's secrets under the next seal key, which every controller must have been given. */
  async resealSecrets(request: m.ResealSecretsRequestInit = {}, options: CallOptions = {}): Promise<m.ResealSecretsResponse> {
    const reply = await this.custom("/patronus.v1.AuthorityService/ResealSecrets", request, options);
    return reply as unknown as m.ResealSecretsResponse;
  }
}

/** Methods of ClusterService. */
export class ClusterMethods extends Service {
  /** How the answering node sees the cluster. */
  async getClusterStatus(request: m.GetClusterStatusRequestInit = {}, options: CallOptions = {}): Promise<m.GetClusterStatusResponse> {
    const reply = await this.custom("/patronus.v1.ClusterService/GetClusterStatus", request, options);
    return reply as unknown as m.GetClusterStatusResponse;
  }

  /** Hand leadership to another voter. */
  async transferLeadership(request: m.TransferLeadershipRequestInit = {}, options: CallOptions = {}): Promise<m.TransferLeadershipResponse> {
    const reply = await this.custom("/patronus.v1.ClusterService/TransferLeadership", request, options);
    return reply as unknown as m.TransferLeadershipResponse;
  }

  /**
   * End a rolling upgrade: raise the cluster level to what the leader's binary supports. Refused while a controller
   * does not support it, or does not answer. There is no way back: older binaries stop with a message from then on.
   */
  async finalizeUpgrade(request: m.FinalizeUpgradeRequestInit = {}, options: CallOptions = {}): Promise<m.FinalizeUpgradeResponse> {
    const reply = await this.custom("/patronus.v1.ClusterService/FinalizeUpgrade", request, options);
    return reply as unknown as m.FinalizeUpgradeResponse;
  }

  /**
   * Everything that the cluster knows, as a new voter would get it, while the cluster goes on. Any controller
   * answers. Secrets in it are sealed; the seal key is not in it.
   */
  async *backup(request: m.BackupRequestInit = {}, options: CallOptions = {}): AsyncGenerator<m.BackupChunk> {
    for await (const one of this.messages("/patronus.v1.ClusterService/Backup", request, options)) {
      yield one as unknown as m.BackupChunk;
    }
  }
}

/** Methods of DiagnosticsService. */
export class DiagnosticsMethods extends Service {
  /** Send echoes from an edge into a segment; a message for each as it is answered or given up. */
  async *ping(request: m.PingRequestInit, options: CallOptions = {}): AsyncGenerator<m.PingResponse> {
    for await (const one of this.messages("/patronus.v1.DiagnosticsService/Ping", request, options)) {
      yield one as unknown as m.PingResponse;
    }
  }

  /** Which routers a packet meets on its way from an edge into a segment. */
  async *traceroute(request: m.TracerouteRequestInit, options: CallOptions = {}): AsyncGenerator<m.TracerouteResponse> {
    for await (const one of this.messages("/patronus.v1.DiagnosticsService/Traceroute", request, options)) {
      yield one as unknown as m.TracerouteResponse;
    }
  }

  /**
   * What passes on a segment's wires at an edge's site, as a capture file. Contents of traffic are shown: the
   * permission is one that no built-in role but ROLE_ADMIN holds.
   */
  async *capture(request: m.CaptureRequestInit, options: CallOptions = {}): AsyncGenerator<m.CaptureResponse> {
    for await (const one of this.messages("/patronus.v1.DiagnosticsService/Capture", request, options)) {
      yield one as unknown as m.CaptureResponse;
    }
  }

  /** What a path is like, reading by reading. */
  async *probePath(request: m.ProbePathRequestInit, options: CallOptions = {}): AsyncGenerator<m.ProbePathResponse> {
    for await (const one of this.messages("/patronus.v1.DiagnosticsService/ProbePath", request, options)) {
      yield one as unknown as m.ProbePathResponse;
    }
  }

  /** Probable causes of what is wrong at a site, with evidence and what to do. */
  async diagnoseSite(request: m.DiagnoseSiteRequestInit, options: CallOptions = {}): Promise<m.DiagnoseSiteResponse> {
    const reply = await this.custom("/patronus.v1.DiagnosticsService/DiagnoseSite", request, options);
    return reply as unknown as m.DiagnoseSiteResponse;
  }
}

/** Methods of EnrollmentService. */
export class EnrollmentMethods extends Service {
  /** Exchange a token and a certificate request for an identity. */
  async enroll(request: m.EnrollRequestInit = {}, options: CallOptions = {}): Promise<m.EnrollResponse> {
    const reply = await this.custom("/patronus.v1.EnrollmentService/Enroll", request, options);
    return reply as unknown as m.EnrollResponse;
  }

  /** Replace a certificate by proof of the enrolled key. */
  async renew(request: m.RenewRequestInit = {}, options: CallOptions = {}): Promise<m.RenewResponse> {
    const reply = await this.custom("/patronus.v1.EnrollmentService/Renew", request, options);
    return reply as unknown as m.RenewResponse;
  }
}

/** Methods of ExplainService. */
export class ExplainMethods extends Service {
  /** Why a flow went where it went, at any time that its edge remembers. */
  async explainFlow(request: m.ExplainFlowRequestInit, options: CallOptions = {}): Promise<m.ExplainFlowResponse> {
    const reply = await this.custom("/patronus.v1.ExplainService/ExplainFlow", request, options);
    return reply as unknown as m.ExplainFlowResponse;
  }

  /** What was dropped, why, and what to do. */
  async explainDrop(request: m.ExplainDropRequestInit, options: CallOptions = {}): Promise<m.ExplainDropResponse> {
    const reply = await this.custom("/patronus.v1.ExplainService/ExplainDrop", request, options);
    return reply as unknown as m.ExplainDropResponse;
  }
}

/** Methods of RevisionService. */
export class RevisionMethods extends Service {
  /** Read what is kept of one resource; as Get does, for whoever may get it. */
  async listRevisions(request: m.ListRevisionsRequestInit, options: CallOptions = {}): Promise<m.ListRevisionsResponse> {
    const reply = await this.custom("/patronus.v1.RevisionService/ListRevisions", request, options);
    return reply as unknown as m.ListRevisionsResponse;
  }

  /**
   * Give a resource the fields of an earlier revision, or make a deleted one anew: an Update like any other, for
   * whoever may make it. OUT_OF_RANGE when the revision is not kept.
   */
  async restoreRevision(request: m.RestoreRevisionRequestInit, options: CallOptions = {}): Promise<m.RestoreRevisionResponse> {
    const reply = await this.custom("/patronus.v1.RevisionService/RestoreRevision", request, options);
    return reply as unknown as m.RestoreRevisionResponse;
  }
}

/** Methods of TrafficEngineeringService. */
export class TrafficEngineeringMethods extends Service {
  /** The traffic matrix as measured. */
  async getTrafficMatrix(request: m.GetTrafficMatrixRequestInit, options: CallOptions = {}): Promise<m.GetTrafficMatrixResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/GetTrafficMatrix", request, options);
    return reply as unknown as m.GetTrafficMatrixResponse;
  }

  /** What would happen if. */
  async whatIf(request: m.WhatIfRequestInit, options: CallOptions = {}): Promise<m.WhatIfResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/WhatIf", request, options);
    return reply as unknown as m.WhatIfResponse;
  }

  /** Take the traffic off a site or link. Refused with FAILED_PRECONDITION when the rest lacks capacity. */
  async drain(request: m.DrainRequestInit, options: CallOptions = {}): Promise<m.DrainResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/Drain", request, options);
    return reply as unknown as m.DrainResponse;
  }

  /** Put it back, a quarter at a time. */
  async undrain(request: m.UndrainRequestInit, options: CallOptions = {}): Promise<m.DrainResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/Undrain", request, options);
    return reply as unknown as m.DrainResponse;
  }

  /** Which paths the traffic between two sites takes, and why. */
  async explainDemand(request: m.ExplainDemandRequestInit, options: CallOptions = {}): Promise<m.ExplainDemandResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/ExplainDemand", request, options);
    return reply as unknown as m.ExplainDemandResponse;
  }

  /** The newest solutions. */
  async listSolutions(request: m.ListSolutionsRequestInit, options: CallOptions = {}): Promise<m.ListSolutionsResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/ListSolutions", request, options);
    return reply as unknown as m.ListSolutionsResponse;
  }

  /**
   * How much more a path could carry: trains of probes from its edge, at most 4 MB and 10 s; at most one at a time on
   * an edge, and each path once in 10 s.
   */
  async measureBandwidth(request: m.MeasureBandwidthRequestInit, options: CallOptions = {}): Promise<m.MeasureBandwidthResponse> {
    const reply = await this.custom("/patronus.v1.TrafficEngineeringService/MeasureBandwidth", request, options);
    return reply as unknown as m.MeasureBandwidthResponse;
  }
}

/** Everything that the API offers, but for watch. */
export class Services {
  /** A tenant. */
  readonly organizations: Organizations;
  /** A place: a branch, a hub, a data centre. */
  readonly sites: Sites;
  /** A node that forwards packets for a site: one patronusd. */
  readonly edges: Edges;
  /** An underlay connection of an edge [MEF 70: underlay connectivity service]. */
  readonly links: Links;
  /** A set of sites that are connected with each other [MEF 70: SWVC]. */
  readonly fabrics: Fabrics;
  /** An isolated routing domain [VRF]. */
  readonly segments: Segments;
  /** What a path must offer to an application. */
  readonly slaProfiles: SlaProfiles;
  /** A kind of traffic, told by what its packets say. */
  readonly applications: Applications;
  /** Which paths the traffic of a segment may or should take. */
  readonly steeringPolicies: SteeringPolicies;
  /** A model with a purpose; its versions hold what was trained. */
  readonly models: Models;
  /** One trained state of a model. */
  readonly modelVersions: ModelVersions;
  /** A node that is, or may become, a Raft voter. */
  readonly controllers: Controllers;
  /** Permission for one node to join. */
  readonly enrollmentTokens: EnrollmentTokens;
  /** A tunnel between two links of different sites: a view, made from fabrics and links. */
  readonly tunnels: Tunnels;
  /** A way from one site to another, over one or more tunnels: a view, made by traffic engineering. */
  readonly paths: Paths;
  /** A set of permissions with a name. */
  readonly roles: Roles;
  /** Who has a role, in its organization and all below. */
  readonly roleBindings: RoleBindings;
  /** Who has a role in the whole cluster: in every organization and in what stands above them. */
  readonly clusterRoleBindings: ClusterRoleBindings;
  /** A program that calls the API. */
  readonly serviceAccounts: ServiceAccounts;
  /** A key that speaks for a service account. */
  readonly apiKeys: ApiKeys;
  /** An OpenID Connect issuer whose tokens name users: organizations/acme/identityProviders/okta/users/SUBJECT. */
  readonly identityProviders: IdentityProviders;
  /** An identity that is refused at every door, whatever it presents, and whose open streams end. */
  readonly deniedIdentities: DeniedIdentities;
  /**
   * Traffic that is expected between two sites, entered by hand: it stands beside what is measured when a what-if
   * question says so.
   */
  readonly demands: Demands;
  /** Changes of resources of one organization that are applied together or not at all. */
  readonly changeSets: ChangeSets;
  /** How the traffic of a WAN link is divided among classes, when the link is full. */
  readonly qosProfiles: QosProfiles;
  /** A user who is logged in: whose packets those from an address are, until when. */
  readonly userSessions: UserSessions;
  /** How addresses of a segment are translated at its edges. */
  readonly natPolicies: NatPolicies;
  /** What hosts of a segment may begin. */
  readonly firewallPolicies: FirewallPolicies;
  /** Protection of edges against floods, judged where packets of the underlay arrive. */
  readonly floodGuards: FloodGuards;
  /** How much a tenant, or a site towards another, may send. */
  readonly rateLimits: RateLimits;
  /** Methods of AccessService. */
  readonly access: AccessMethods;
  /** Methods of ArtifactService. */
  readonly artifact: ArtifactMethods;
  /** Methods of AuditService. */
  readonly audit: AuditMethods;
  /** Methods of AuthorityService. */
  readonly authority: AuthorityMethods;
  /** Methods of ClusterService. */
  readonly cluster: ClusterMethods;
  /** Methods of DiagnosticsService. */
  readonly diagnostics: DiagnosticsMethods;
  /** Methods of EnrollmentService. */
  readonly enrollment: EnrollmentMethods;
  /** Methods of ExplainService. */
  readonly explain: ExplainMethods;
  /** Methods of RevisionService. */
  readonly revision: RevisionMethods;
  /** Methods of TrafficEngineeringService. */
  readonly trafficEngineering: TrafficEngineeringMethods;

  constructor(session: Session) {
    this.organizations = new Organizations(session);
    this.sites = new Sites(session);
    this.edges = new Edges(session);
    this.links = new Links(session);
    this.fabrics = new Fabrics(session);
    this.segments = new Segments(session);
    this.slaProfiles = new SlaProfiles(session);
    this.applications = new Applications(session);
    this.steeringPolicies = new SteeringPolicies(session);
    this.models = new Models(session);
    this.modelVersions = new ModelVersions(session);
    this.controllers = new Controllers(session);
    this.enrollmentTokens = new EnrollmentTokens(session);
    this.tunnels = new Tunnels(session);
    this.paths = new Paths(session);
    this.roles = new Roles(session);
    this.roleBindings = new RoleBindings(session);
    this.clusterRoleBindings = new ClusterRoleBindings(session);
    this.serviceAccounts = new ServiceAccounts(session);
    this.apiKeys = new ApiKeys(session);
    this.identityProviders = new IdentityProviders(session);
    this.deniedIdentities = new DeniedIdentities(session);
    this.demands = new Demands(session);
    this.changeSets = new ChangeSets(session);
    this.qosProfiles = new QosProfiles(session);
    this.userSessions = new UserSessions(session);
    this.natPolicies = new NatPolicies(session);
    this.firewallPolicies = new FirewallPolicies(session);
    this.floodGuards = new FloodGuards(session);
    this.rateLimits = new RateLimits(session);
    this.access = new AccessMethods(session);
    this.artifact = new ArtifactMethods(session);
    this.audit = new AuditMethods(session);
    this.authority = new AuthorityMethods(session);
    this.cluster = new ClusterMethods(session);
    this.diagnostics = new DiagnosticsMethods(session);
    this.enrollment = new EnrollmentMethods(session);
    this.explain = new ExplainMethods(session);
    this.revision = new RevisionMethods(session);
    this.trafficEngineering = new TrafficEngineeringMethods(session);
  }
}

/** Member of Services for each kind, by the name of its message. */
export const COLLECTIONS = {
  Organization: "organizations",
  Site: "sites",
  Edge: "edges",
  Link: "links",
  Fabric: "fabrics",
  Segment: "segments",
  SlaProfile: "slaProfiles",
  Application: "applications",
  SteeringPolicy: "steeringPolicies",
  Model: "models",
  ModelVersion: "modelVersions",
  Controller: "controllers",
  EnrollmentToken: "enrollmentTokens",
  Tunnel: "tunnels",
  Path: "paths",
  Role: "roles",
  RoleBinding: "roleBindings",
  ClusterRoleBinding: "clusterRoleBindings",
  ServiceAccount: "serviceAccounts",
  ApiKey: "apiKeys",
  IdentityProvider: "identityProviders",
  DeniedIdentity: "deniedIdentities",
  Demand: "demands",
  ChangeSet: "changeSets",
  QosProfile: "qosProfiles",
  UserSession: "userSessions",
  NatPolicy: "natPolicies",
  FirewallPolicy: "firewallPolicies",
  FloodGuard: "floodGuards",
  RateLimit: "rateLimits",
} as const;

/** Member of Services and name there for each method that is not a standard one. */
export const METHODS = {
  "AccessService.TestIamPermissions": ["access", "testIamPermissions"],
  "ApiKeyService.IssueApiKey": ["apiKeys", "issueApiKey"],
  "AuthorityService.ListAuthorities": ["authority", "listAuthorities"],
  "AuthorityService.RotateAuthority": ["authority", "rotateAuthority"],
  "AuthorityService.ReportTrust": ["authority", "reportTrust"],
  "AuthorityService.IssueCredential": ["authority", "issueCredential"],
  "AuthorityService.ResealSecrets": ["authority", "resealSecrets"],
  "DiagnosticsService.Ping": ["diagnostics", "ping"],
  "DiagnosticsService.Traceroute": ["diagnostics", "traceroute"],
  "DiagnosticsService.Capture": ["diagnostics", "capture"],
  "DiagnosticsService.ProbePath": ["diagnostics", "probePath"],
  "DiagnosticsService.DiagnoseSite": ["diagnostics", "diagnoseSite"],
  "AuditService.QueryAudit": ["audit", "queryAudit"],
  "AuditService.ReportDenied": ["audit", "reportDenied"],
  "ChangeSetService.PlanChangeSet": ["changeSets", "planChangeSet"],
  "ChangeSetService.ReadStagedState": ["changeSets", "readStagedState"],
  "ChangeSetService.ApplyChangeSet": ["changeSets", "applyChangeSet"],
  "ChangeSetService.ConfirmChangeSet": ["changeSets", "confirmChangeSet"],
  "ChangeSetService.RollbackChangeSet": ["changeSets", "rollbackChangeSet"],
  "RevisionService.ListRevisions": ["revision", "listRevisions"],
  "RevisionService.RestoreRevision": ["revision", "restoreRevision"],
  "EnrollmentService.Enroll": ["enrollment", "enroll"],
  "EnrollmentService.Renew": ["enrollment", "renew"],
  "ClusterService.GetClusterStatus": ["cluster", "getClusterStatus"],
  "ClusterService.TransferLeadership": ["cluster", "transferLeadership"],
  "ClusterService.FinalizeUpgrade": ["cluster", "finalizeUpgrade"],
  "ClusterService.Backup": ["cluster", "backup"],
  "ApplicationService.Classify": ["applications", "classify"],
  "SteeringPolicyService.SimulateSteering": ["steeringPolicies", "simulateSteering"],
  "SteeringPolicyService.FindShadowedRules": ["steeringPolicies", "findShadowedRules"],
  "ExplainService.ExplainFlow": ["explain", "explainFlow"],
  "ExplainService.ExplainDrop": ["explain", "explainDrop"],
  "ModelService.RollbackModel": ["models", "rollbackModel"],
  "ModelVersionService.PromoteModelVersion": ["modelVersions", "promoteModelVersion"],
  "ArtifactService.UploadArtifact": ["artifact", "uploadArtifact"],
  "ArtifactService.DownloadArtifact": ["artifact", "downloadArtifact"],
  "ArtifactService.OfferArtifact": ["artifact", "offerArtifact"],
  "ArtifactService.ReportArtifacts": ["artifact", "reportArtifacts"],
  "TrafficEngineeringService.GetTrafficMatrix": ["trafficEngineering", "getTrafficMatrix"],
  "TrafficEngineeringService.WhatIf": ["trafficEngineering", "whatIf"],
  "TrafficEngineeringService.Drain": ["trafficEngineering", "drain"],
  "TrafficEngineeringService.Undrain": ["trafficEngineering", "undrain"],
  "TrafficEngineeringService.ExplainDemand": ["trafficEngineering", "explainDemand"],
  "TrafficEngineeringService.ListSolutions": ["trafficEngineering", "listSolutions"],
  "TrafficEngineeringService.MeasureBandwidth": ["trafficEngineering", "measureBandwidth"],
  "OrganizationService.UndeleteOrganization": ["organizations", "undeleteOrganization"],
} as const;
