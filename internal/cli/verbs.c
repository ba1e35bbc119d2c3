/*
 * The verbs, in the order in which help shows them. None of them knows a kind of resource: what differs between kinds
 * is read from the schema.
 */
#include "cli/args.h"

#include <string.h>

#define B(flag) PT_CLI_BIT(PT_CLI_##flag)

static const struct pt_cli_verb verbs[] = {
    {"get", "KIND [NAME]... | NAME...", "show resources by kind or by name",
     "Show one resource, several, or all of a kind.\n\n"
     "  patronusctl get sites                         all sites of every organization\n"
     "  patronusctl -p acme get sites                 those of one\n"
     "  patronusctl -p acme get site nyc lon          two of them\n"
     "  patronusctl -p acme get sites/nyc -o yaml     everything about one\n"
     "  patronusctl -p acme get sites --watch         and then each change of them\n"
     "  patronusctl get links -o 'jsonpath={range .items[*]}{.name}{\"\\t\"}{.underlay}{\"\\n\"}{end}'\n",
     B(FILTER) | B(ORDER_BY) | B(PAGE_SIZE) | B(STALE) | B(WATCH) | B(COUNT) | B(REVISION)},
    {"list", "KIND", "list resources of a kind, filtered and ordered",
     "List every resource of a kind below --parent, page by page. Without a parent, or with one higher up in the\n"
     "hierarchy, it reads across collections: organizations/-, organizations/acme/sites/-.\n\n"
     "  patronusctl -p acme list links --filter 'underlay = \"internet\"' --order-by \"capacity_up_bps desc\"\n",
     B(FILTER) | B(ORDER_BY) | B(PAGE_SIZE) | B(STALE) | B(WATCH) | B(COUNT)},
    {"create", "KIND NAME [FIELD=VALUE]... [-f FILE]", "make a resource",
     "Make a resource from FIELD=VALUE words, from an object of YAML or JSON in a file, or from both (the words "
     "win).\n\n"
     "A field is a path: region, labels.tier. A list is written with commas or as JSON; 100M is 100000000 for a whole\n"
     "number; names of other resources may be short.\n\n"
     "  patronusctl -p acme create site nyc region=us-east labels.tier=gold\n"
     "  patronusctl -p acme create edge sites/nyc/edges/e1 "
     "lan_interfaces='[{\"interface\":\"lan0\",\"segment\":\"corp\"}]'\n"
     "  patronusctl -p acme create link sites/nyc/links/inet0 edge=e1 interface=wan0 address=192.0.2.2 "
     "underlay=internet\n",
     B(FILE) | B(DRY_RUN)},
    {"update", "NAME FIELD=VALUE... [-f FILE]", "change fields of a resource",
     "Change the fields that are named and no others. FIELD= clears one.\n\n"
     "  patronusctl -p acme update sites/nyc admin_state=DRAINED labels.tier=\n",
     B(FILE) | B(ETAG) | B(ALLOW_MISSING) | B(DRY_RUN)},
    {"delete", "NAME... | KIND NAME...", "delete resources",
     "Delete resources. One that others are below is refused unless --force; one that others refer to always is.\n",
     B(FORCE) | B(ETAG) | B(ALLOW_MISSING) | B(DRY_RUN)},
    {"undelete", "NAME... | KIND NAME...", "bring deleted organizations back",
     "Bring a deleted organization back with all that was deleted with it, within 30 days.\n\n"
     "  patronusctl delete organization acme --force\n"
     "  patronusctl undelete organization acme\n",
     B(DRY_RUN)},
    {"edit", "NAME | KIND NAME", "change a resource in an editor",
     "Open a resource as YAML in the editor that PATRONUS_EDITOR, VISUAL or EDITOR names (vi), and update what was\n"
     "changed. What the server refuses comes back with the reason on top; when somebody else changed the resource\n"
     "meanwhile, nothing is done and the file stays.\n\n"
     "  patronusctl -p acme edit site nyc\n",
     B(DRY_RUN)},
    {"apply", "-f FILE|DIRECTORY|-", "make the cluster as files say",
     "Create or change resources from YAML or JSON: one object, several, an array, or {\"items\": [...]}; a directory\n"
     "stands for its *.yaml, *.yml and *.json files. Each object has \"kind\" and \"name\" beside the fields; what\n"
     "get -o yaml prints will do, for output fields are left aside. Parents and what is referred to come first,\n"
     "whatever the order in the files. Fields that an object does not name stay as they are; null clears one.\n\n"
     "  {\"kind\": \"Site\", \"name\": \"organizations/acme/sites/nyc\", \"region\": \"us-east\"}\n\n"
     "With --owner, everything applied carries the label applied-by; --prune then deletes what that owner applied\n"
     "earlier and the files no longer have, below --parent, after showing it and asking. Nothing is deleted when\n"
     "something could not be applied.\n\n"
     "With --confirm or --together everything, of one organization, goes as one change set: all of it or nothing. "
     "With\n"
     "--confirm it is taken back by itself unless confirmed in time, or when edges lose the controllers. --dry-run "
     "tells\n"
     "which fields, quotas, edges and paths would change.\n\n"
     "  patronusctl -p acme apply -f branch/ --confirm 5m && patronusctl -p acme confirm\n"
     "  patronusctl -p acme apply -f branch/ --owner branch --prune\n",
     B(FILE) | B(DRY_RUN) | B(OWNER) | B(PRUNE) | B(YES) | B(CONFIRM) | B(TOGETHER)},
    {"tf", "apply|destroy [--confirm TIME] [-- FLAG...]", "a run of Terraform or OpenTofu, all of it or nothing",
     "Run Terraform or OpenTofu in the current folder, with everything it changes staged in a change set, which is\n"
     "applied in one step when the run ends well. When it does not, or when a change is refused, the change set is\n"
     "discarded and the tool's state put back. Of one organization, and of kinds that change sets hold.\n\n"
     "With --confirm it then waits: `patronusctl confirm` elsewhere keeps the changes; otherwise they are taken back "
     "after\n"
     "that time, or when edges lose the controllers, the tool's state too, and the exit code is 1.\n\n"
     "  patronusctl -p acme tf apply --confirm 5m\n"
     "  patronusctl -p acme tf apply --tool tofu -- -auto-approve -var region=eu\n",
     B(CONFIRM) | B(TOOL)},
    {"confirm", "[CHANGESET]", "keep what was applied with --confirm",
     "Keep the change set that waits for its confirmation: the one that is named, or the only one below --parent.\n\n"
     "  patronusctl -p acme apply -f site-lon/ --confirm 5m\n"
     "  patronusctl -p acme confirm\n",
     0},
    {"rollback", "[CHANGESET]", "take a change set back",
     "Put everything that a change set changed back as it was: the one that is named, or the only one below --parent\n"
     "that waits for its confirmation. One that is confirmed can be taken back while nobody has changed what it\n"
     "changed; patronusctl get changesets shows them.\n\n"
     "  patronusctl -p acme rollback apply-1f2e3d4c\n",
     0},
    {"history", "NAME | KIND NAME", "what a resource was, and who changed it",
     "List the revisions that are kept of a resource, existing or deleted, the newest first. -o json has them in "
     "full.\n\n"
     "  patronusctl -p acme history site nyc\n"
     "  patronusctl -p acme get site nyc --revision 4711 -o yaml\n",
     0},
    {"diff", "NAME | KIND NAME [--revision N]", "how a resource differs from what it was",
     "Show the fields that differ between an earlier revision, the one before or --revision, and now. What files "
     "would\n"
     "change is told by apply --dry-run.\n",
     B(REVISION)},
    {"restore", "NAME | KIND NAME --revision N", "give a resource the fields of an earlier revision",
     "Update a resource to what it was, or make a deleted one anew. It is a change like any other.\n\n"
     "  patronusctl -p acme restore site nyc --revision 4711\n",
     B(REVISION) | B(ETAG) | B(DRY_RUN)},
    {"wait", "NAME | KIND NAME --for WHAT", "until a resource is as wanted",
     "Wait until a field has a value (in any case; output fields too), a condition is true, or the resource exists or\n"
     "is deleted, at most --timeout; exit code 1 when it is not so by then.\n\n"
     "  patronusctl -p acme wait site nyc --for reconciling=false --timeout 1m\n"
     "  patronusctl -p acme wait site nyc --for condition=Ready\n"
     "  patronusctl -p acme wait site nyc --for deleted\n",
     B(FOR)},
    {"export", "--format tf", "what runs, as configuration for another tool",
     "Print everything that can be made by configuration, below --parent or everywhere, for Terraform or OpenTofu: a\n"
     "resource block and an import block each, with references where one names another. Planning it imports all and\n"
     "changes nothing. Secrets are left out.\n\n"
     "  patronusctl -p acme export --format tf >acme.tf\n",
     B(FORMAT)},
    {"watch", "[KIND]...", "print changes as they happen",
     "Print each change, in order, without gap or duplicate. After a disconnect it goes on at the next server, right\n"
     "behind the last event. With -o json, one event per line.\n",
     B(FILTER) | B(INITIAL) | B(COUNT) | B(RESUME)},
    {"explain", "KIND[.FIELD] | flow SRC:PORT DST:PORT/tcp [WORD]... | drop [SITE] [REASON]",
     "fields and rules of a kind; why a flow went where it went, what was dropped",
     "Print what a kind or a field means, and its rules: type, required, range, unit, limits.\n\n"
     "explain flow asks the edge that decided: by which rule, under which configuration, which path, what the\n"
     "candidates were like then, and what would change it; also of flows that are gone. Protocols are tcp, udp, icmp,\n"
     "sctp or a number; site=NAME and segment=NAME say where, if the source does not.\n"
     "explain drop says what sites drop, why, and what to do about it.\n\n"
     "  patronusctl explain link.capacity_up_bps\n"
     "  patronusctl -p acme explain flow 10.1.0.10:40123 10.2.0.10:443/tcp --at 5m\n"
     "  patronusctl -p acme explain drop nyc\n",
     B(AT)},
    {"kinds", "", "all kinds of resources", "List the kinds of resources that there are.\n", 0},
    {"tokens", "create --role edge --edge NAME | create --role voter|standby", "let a node join",
     "Make a token that lets one node join, and print it. It is shown once; the cluster keeps a hash.\n\n"
     "  patronusctl -p acme tokens create --role edge --edge sites/nyc/edges/e1\n"
     "  patronusctl tokens create --role voter --expires 30m\n",
     B(ROLE) | B(EDGE) | B(ID) | B(EXPIRES)},
    {"sites", "drain | undrain NAME", "take traffic off a site, or put it back",
     "drain takes transit traffic off a site and returns when every connected node forwards by it; refused when the "
     "rest\n"
     "lacks capacity, unless --force. With --dry-run it only says what would move. undrain brings it back a quarter at "
     "a\n"
     "time. What begins or ends at the site itself goes on.\n\n"
     "  patronusctl -p acme sites drain nyc\n",
     B(FORCE) | B(DRY_RUN)},
    {"links", "drain | undrain NAME", "take traffic off a link, or put it back",
     "drain takes all traffic off a link and returns when every connected node forwards by it; refused when the rest "
     "lacks\n"
     "capacity, unless --force. With --dry-run it only says what would move. undrain brings it back a quarter at a "
     "time.\n\n"
     "  patronusctl -p acme links drain sites/nyc/links/inet0\n",
     B(FORCE) | B(DRY_RUN)},
    {"te", "what-if WORD... | explain FROM TO WORD... | simulate SITE SEGMENT IP... | shadowed | bandwidth PATH",
     "traffic engineering: questions and what was found",
     "The questions are those above, matrix, solutions, and solve FILE.te.\n\n"
     "what-if changes nothing and says what would happen: fail-link=NAME, fail-site=NAME, fail-srlg=N,\n"
     "demand=FROM,TO,RATE[,CLASS], link=NAME,UP,DOWN[,UNDERLAY[,COST]] (of a link that exists, or a new one),\n"
     "scale=PERCENT of what is measured, planned: with the Demand resources. explain says which paths the traffic\n"
     "between two sites takes and why; with require=LABEL, exclude=LABEL, group=N, any-group=N, no-group=N,\n"
     "max-delay=40ms, max-loss=0.1%, min-capacity=50M which paths keep these, or why none does. simulate says what\n"
     "would become of a packet and why: source=, protocol=, port=, source-port=, dscp=, user=, group=, at=TIME.\n"
     "shadowed lists rules that never decide. bandwidth has the path's edge measure how much more it could carry: it\n"
     "sends trains of probes, 4 MB at most, and takes some seconds. matrix is the traffic as measured: the newest\n"
     "rate, median, 95th percentile and largest of the last hour, the next interval's forecast, and what this hour of\n"
     "the day used to bring; with -o json it is Demand resources that apply reads, of the rate that by= says: now,\n"
     "p50, p95 (unless it is said), max, next or usual. solutions are the newest that the leader found; recompute\n"
     "computes each of them here, from what it says it came from (or those of a file, which solutions -o json wrote),\n"
     "and fails when one comes out otherwise. solve takes an instance from a file, without a cluster: patronusctl te\n"
     "solve --help.\n\n"
     "  patronusctl -p acme te what-if fail-link=sites/nyc/links/inet0 demand=nyc,lon,50M,realtime\n"
     "  patronusctl -p acme te what-if link=sites/nyc/links/new,100M,100M,internet scale=150 planned\n"
     "  patronusctl -p acme te explain nyc lon\n"
     "  patronusctl -p acme te explain nyc lon exclude=satellite max-delay=40ms\n"
     "  patronusctl -p acme te bandwidth PATH\n"
     "  patronusctl -p acme te simulate nyc corp 10.2.0.10 protocol=tcp port=443 dscp=46 user=ann\n"
     "  patronusctl -p acme te matrix by=max -o json >demands.json; patronusctl apply -f demands.json\n",
     0},
    {"ping", "EDGE ADDRESS [FIELD=VALUE]...", "echoes from an edge into a segment",
     "Have an edge send echoes as a host of the segment would: by rules, route, path and seal of traffic. A line for\n"
     "each as it is answered; exit code 1 when none was. Fields: segment (where the edge has several), count,\n"
     "interval_ms, timeout_ms, payload_size, dscp.\n\n"
     "  patronusctl -p acme ping sites/nyc/edges/e1 10.2.0.10 segment=corp count=20 interval_ms=200\n",
     0},
    {"traceroute", "EDGE ADDRESS [FIELD=VALUE]...", "which routers a packet meets",
     "Have an edge find the routers between it and an address of a segment. Hop 1 is the edge; the way between two\n"
     "sites is one hop, whatever path is taken (explain flow tells which). Fields: segment, max_hops, probes,\n"
     "timeout_ms, dscp.\n\n"
     "  patronusctl -p acme traceroute sites/nyc/edges/e1 10.2.0.10 segment=corp\n",
     0},
    {"capture", "EDGE SEGMENT -f FILE|- [FIELD=VALUE]...", "what passes on a segment's wires at a site",
     "Write the packets of a segment's wires at an edge's site as a pcap file, while they pass. It ends after\n"
     "max_packets (1000), max_size (1 MiB) or duration_ms (30000). Fields besides: prefix, protocol, port, snap_size\n"
     "(128). Takes the permission diagnostics.capture.\n\n"
     "  patronusctl -p acme capture sites/nyc/edges/e1 corp -f nyc.pcap prefix=10.2.0.0/16 port=443\n"
     "  patronusctl -p acme capture sites/nyc/edges/e1 corp -f - | tcpdump -r -\n",
     B(FILE)},
    {"probe", "PATH [FIELD=VALUE]...", "what a path is like now",
     "Tell what the probes of a path measure, reading by reading: round trip, loss, jitter and delay each way, MOS "
     "and\n"
     "MTU; exit code 1 when the path is down at the end. Fields: count, interval_ms.\n\n"
     "  patronusctl -p acme probe PATH count=60 interval_ms=500\n",
     0},
    {"api-keys", "create ACCOUNT [PERMISSION]...", "make a key for a program",
     "Make an API key that speaks for a service account, and print it. It is shown once; the cluster keeps a keyed\n"
     "digest. With permissions, the key is good for these only, of those that its account has.\n\n"
     "  patronusctl -p acme create serviceAccount ci\n"
     "  patronusctl -p acme create roleBinding ci role=roles/operator members=organizations/acme/serviceAccounts/ci\n"
     "  patronusctl -p acme api-keys create ci --expires 30d > ci.key\n"
     "  patronusctl --token-file ci.key -p acme get sites\n",
     B(ID) | B(EXPIRES)},
    {"audit", "export | verify [FILE]", "who changed what, and who was refused",
     "export prints the audit log as JSON lines, of the organization that --parent names or of the cluster. verify\n"
     "follows the chain of hashes and names the first record that was changed, moved or removed: in a file that "
     "export\n"
     "wrote for the whole cluster, or in the cluster's own log, up to its head.\n\n"
     "  patronusctl audit export > audit.jsonl && patronusctl audit verify audit.jsonl\n",
     0},
    {"call", "[METHOD [REQUEST]]", "any method of the API",
     "Call a method with a request as JSON or YAML, as a word or with -f, and print the reply as JSON. Replies of a\n"
     "stream come one a line; a method that takes a stream takes several objects. Without words, the methods.\n\n"
     "  patronusctl call SiteService.GetSite '{\"name\": \"organizations/acme/sites/nyc\"}'\n"
     "  patronusctl call WatchService.Watch '{\"sendInitial\": true}' --count 5\n",
     B(FILE) | B(COUNT)},
    {"contexts", "list | add NAME | use NAME | remove NAME", "clusters under names",
     "Keep servers, credential or token file, and parent under a name, in ~/.config/patronus/config.json; add takes\n"
     "them from its flags and changes what is there already. use makes one the default, --context names another for\n"
     "one command. Flags win over --context, that over the environment, that over the context in use.\n\n"
     "  patronusctl contexts add lab -s 10.0.0.1:7400,10.0.0.2:7400 -c lab.pem -p acme\n"
     "  patronusctl contexts use lab\n"
     "  patronusctl --context lab get sites\n",
     0},
    {"cluster", "status | transfer [CONTROLLER] | upgrade", "controllers, leadership and upgrades",
     "status asks every controller how it sees the cluster. transfer hands leadership to CONTROLLER, or to the one\n"
     "that the leader chooses. upgrade shows which version each controller runs and which cluster level it supports;\n"
     "with --finalize, after the last binary was replaced, it raises the level. Until then every binary can be put\n"
     "back; from then on what is new may be used.\n\n"
     "  patronusctl cluster upgrade --finalize --dry-run   would it be accepted?\n",
     B(STATUS) | B(FINALIZE) | B(DRY_RUN)},
    {"controllers", "add | promote ID | demote ID | remove ID | replace ID | prefer REGION", "the cluster's members",
     "add prints a token for a further controller (--role standby: one that does not vote). promote makes a standby a\n"
     "voter, demote the reverse. remove takes one out; replace does, and prints a token for its successor. prefer "
     "moves\n"
     "leadership to the controllers of a region (none: no preference). What would leave too few voters that answer, or "
     "a\n"
     "region without a voter, is refused. Each returns when it is so.\n\n"
     "  patronusctl controllers replace c2\n",
     B(ROLE) | B(ID) | B(EXPIRES) | B(DRY_RUN)},
    {"cas", "list | rotate | abort | renew | reseal | issue WHO FILE", "the cluster's certificate authorities",
     "rotate replaces the authority by overlap: every node trusts the new one before it signs, and has a certificate "
     "of\n"
     "it before the old one goes. The controllers do it, also without this command; --wait shows how far it is.\n"
     "--dry-run says who would break: --force does not wait for edges that are offline (they must be joined again) "
     "and\n"
     "for credentials of people. abort gives up one whose new authority has not signed yet. renew makes the caller's\n"
     "credential file good under the present authorities. reseal seals the cluster's secrets under the next seal key,\n"
     "which stands in FILE.next beside the seal key's FILE on every controller. issue makes a person's credential in a "
     "new\n"
     "FILE: user/ID may what role bindings give spiffe://CLUSTER/user/ID, admin/ID everything; --expires is 90 days "
     "unless\n"
     "said, at most 366. A DeniedIdentity ends it sooner.\n\n"
     "  patronusctl cas rotate --dry-run\n"
     "  patronusctl cas rotate --wait\n"
     "  patronusctl cas issue user/ann ann.pem --expires 720h\n",
     B(DRY_RUN) | B(FORCE) | B(WAIT) | B(EXPIRES)},
    {"backup", "FILE | verify FILE", "save the cluster's state, or check a file of it",
     "Save everything that the cluster knows into a new file, while it goes on: what a new voter would get, with a\n"
     "manifest and digests. Any controller gives it; all that was acknowledged before is in it. --stale takes what "
     "the\n"
     "controller has, without a leader. Secrets in it are sealed and the seal key is not in it: keep that apart.\n"
     "verify checks every byte of a file and names the place of damage; it needs no cluster. To go back to a backup:\n"
     "patronusd restore FILE.\n\n"
     "  patronusctl backup monday.ptb && patronusctl backup verify monday.ptb\n",
     B(STALE)},
    {"models", "upload | download | promote | rollback | keygen | sign ...",
     "bytes of model versions, and which is in use",
     "  upload FILE VERSION [FIELD=VALUE]...  make the version if it is not there (with digest and size of FILE), "
     "send\n"
     "                                        its bytes, return when a majority of the controllers has them on disk\n"
     "  download VERSION FILE                 into a new file; digest and (the model has keys) signature are checked\n"
     "  promote VERSION                       put it in use (LIVE), the one before out of it (SHADOW), in one step\n"
     "  rollback MODEL                        back to the version that was in use before\n"
     "  keygen FILE                           make a signing key; prints the public half, for signing_keys\n"
     "  sign VERSION FILE                     put the signature of the key in FILE on the version\n\n"
     "VERSION is MODEL/ID with --parent, or a full name.\n\n"
     "  patronusctl -p acme models upload dpi.onnx dpi/v7 metricsMillionths.f1=987000\n"
     "  patronusctl -p acme models promote dpi/v7\n",
     0},
    {"doctor", "[SITE]", "find what is wrong and what to do",
     "Of a site: what the leader knows of its edges, links, paths and drops, as probable causes in order, with what\n"
     "they are concluded from and what to do. Exits 1 when traffic does not flow.\n\n"
     "  patronusctl -p acme doctor nyc\n\n"
     "Without one, look at credential, controllers, edges, tunnels and, as root, at this machine's kernel; print\n"
     "what is wrong, the worst first, and what to do. Exits 1 when something is broken, 0 for mere warnings.\n",
     0},
    {"lab", "up|down|status|...", "a WAN on this machine; see patronusctl lab --help", "See patronusctl lab --help.\n",
     0},
    {"completion", "bash|zsh|fish", "words for the shell's Tab key",
     "Print a completion script: verbs, flags, kinds, fields, and the names of resources, which are asked of the\n"
     "server.\n\n"
     "  source <(patronusctl completion bash)         bash; the same with zsh in zsh, after compinit\n"
     "  patronusctl completion fish | source          fish\n",
     0},
    {"man", "", "the manual page", "Print patronusctl(1): patronusctl man | man -l -\n", 0},
    {"version", "", "version of this program", "Print the version.\n", 0},
    {"help", "[VERB]", "this text, or a verb's", "Print help.\n", 0},
};

const struct pt_cli_verb *pt_cli_verbs(size_t *ret_len)
{
    *ret_len = sizeof(verbs) / sizeof(verbs[0]);
    return verbs;
}

const struct pt_cli_verb *pt_cli_verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}
