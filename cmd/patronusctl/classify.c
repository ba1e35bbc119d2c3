/*
 * patronusctl classify FILE: read a capture, recognise its flows by signatures, print them. Needs no cluster; what an
 * organization describes is known to the cluster only (rpc Classify).
 */
#include "classify.h"

#include "ctl.h"

#include "dpi/catalog.h"
#include "dpi/classify.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FLOWS_MAX 262144
#define FILE_SIZE_MAX (4ULL << 30)

static const char usage_text[] =
    "Usage: patronusctl classify FILE [FLAG]...\n"
    "       patronusctl classify --signatures\n"
    "\n"
    "Say which applications the flows of a capture (pcap or pcapng) belong to, by signatures; needs no cluster.\n"
    "At most 4 GB and 262,144 flows. docs/mod/dpi.md says what evidence and confidence mean.\n"
    "\n"
    "      --signatures          list the names that applications may use\n"
    "      --statistics          also say packets, flows, and processor time for each packet (standard error)\n"
    "  -o, --output table|json   [table]\n";

static const char *const evidences[] = {"none",     "port",      "address",  "dns-answer", "related",    "payload",
                                        "dns-name", "http-host", "tls-name", "quic-name",  "description"};

struct options {
    const char *file;
    bool json, statistics, signatures;
};

static void print_flow(const struct pt_dpi_flow *flow, bool json, bool first)
{
    char client[PT_IP_TEXT_SIZE], server[PT_IP_TEXT_SIZE];
    const struct pt_dpi_verdict *verdict = &flow->verdict;
    const char *name = pt_dpi_signature_name(verdict->signature), *carrier = pt_dpi_signature_name(verdict->carrier);
    name = name != NULL ? name : "unknown";
    carrier = carrier != NULL ? carrier : "";
    (void)pt_ip_format(&flow->client, client);
    (void)pt_ip_format(&flow->server, server);
    if (!json) {
        printf("%-3u %s:%u -> %s:%u  %s%s%s  %s %u%%  %" PRIu32 " packets  %s\n", flow->protocol, client,
               flow->port_client, server, flow->port_server, name, carrier[0] != '\0' ? " over " : "", carrier,
               evidences[verdict->evidence], verdict->confidence, flow->packets, flow->host != NULL ? flow->host : "");
        return;
    }
    printf("%s{\"protocol\":%u,\"source\":\"%s\",\"sourcePort\":%u,\"destination\":\"%s\",\"destinationPort\":%u,"
           "\"signature\":\"%s\",\"carrier\":\"%s\",\"evidence\":\"%s\",\"confidence\":%u,\"packets\":%" PRIu32
           ",\"bytes\":%" PRIu64 ",\"knownAfter\":%u,\"host\":\"",
           first ? "" : ",\n", flow->protocol, client, flow->port_client, server, flow->port_server, name, carrier,
           evidences[verdict->evidence], verdict->confidence, flow->packets, flow->bytes, verdict->known_after);
    for (const char *c = flow->host != NULL ? flow->host : ""; *c != '\0'; c++) {
        printf(*c == '"' || *c == '\\' ? "\\%c" : (unsigned char)*c >= ' ' && *c < 0x7f ? "%c" : "?", *c);
    }
    printf("\"}");
}

static void print_flows(struct pt_dpi *dpi, bool json)
{
    struct pt_dpi_flow *flow;
    printf("%s", json ? "[" : "");
    for (size_t i = 0; (flow = pt_dpi_flow_at(dpi, i)) != NULL; i++) {
        print_flow(flow, json, i == 0);
    }
    printf("%s", json ? "]\n" : "");
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(const struct options *options, const uint8_t *data, size_t size)
{
    const struct pt_dpi_options engine = {.flows_max = FLOWS_MAX,
                                          .tcp_packets_max = PT_DPI_TCP_PACKETS_DEFAULT,
                                          .udp_packets_max = PT_DPI_UDP_PACKETS_DEFAULT};
    struct pt_dpi *dpi = NULL;
    struct pt_error error = {0};
    struct pt_dpi_summary summary = {0};
    enum pt_code code = pt_dpi_new(&engine, &dpi, &error);
    double began = seconds();
    if (code == PT_OK) {
        code = pt_dpi_classify(dpi, 0, data, size, &summary, &error);
    }
    double took = seconds() - began;
    if (code == PT_OK) {
        print_flows(dpi, options->json);
    } else {
        fprintf(stderr, "patronusctl: %s: %s: %s\n", options->file, error.field, error.text);
    }
    if (code == PT_OK && options->statistics) {
        struct pt_dpi_counts counts = pt_dpi_counts(dpi);
        fprintf(stderr,
                "packets %" PRIu64 " skipped %" PRIu64 " of-known-flows %" PRIu64 " recognised %" PRIu64
                " unknown %" PRIu64 " left-out %" PRIu64 " cpu-s %.6f\n",
                summary.packets, summary.skipped, counts.hits, counts.recognised, counts.unknown, counts.left_out,
                took);
    }
    pt_dpi_free(dpi);
    return code == PT_OK ? 0 : 1;
}

static int open_and_run(const struct options *options)
{
    struct stat status;
    int fd = open(options->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        fprintf(stderr, "patronusctl: %s: %s\n", options->file, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return 1;
    }
    size_t size = (size_t)status.st_size;
    int result = 1;
    void *data = size > 0 && size <= FILE_SIZE_MAX ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (data != MAP_FAILED) {
        (void)madvise(data, size, MADV_SEQUENTIAL); /* only for speed */
    }
    if (size > FILE_SIZE_MAX) {
        fprintf(stderr, "patronusctl: %s: larger than 4 GB; cut it with editcap or tcpdump -C\n", options->file);
    } else if (data == MAP_FAILED) {
        fprintf(stderr, "patronusctl: %s: it is empty, or no file\n", options->file);
    } else {
        result = run(options, data, size);
        (void)munmap(data, size);
    }
    (void)close(fd);
    return result;
}

static void print_signatures(void)
{
    uint32_t number = 0;
    const char *name = NULL, *library_name = NULL;
    for (size_t i = 0; pt_dpi_signature_at(i, &number, &name, &library_name); i++) {
        printf("%s\n", name);
    }
}

int pt_cmd_classify(int argc, char **argv)
{
    static const struct option flags[] = {{"signatures", no_argument, NULL, 's'},
                                          {"statistics", no_argument, NULL, 't'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {0};
    int flag;
    while ((flag = getopt_long(argc, argv, "o:h", flags, NULL)) != -1) {
        if (flag == 'h') {
            printf("%s", usage_text);
            return 0;
        }
        if (flag == '?' || (flag == 'o' && strcmp(optarg, "json") != 0 && strcmp(optarg, "table") != 0)) {
            fprintf(stderr, "patronusctl: see patronusctl classify --help\n");
            return PT_CLI_EXIT_USAGE;
        }
        options.signatures = options.signatures || flag == 's';
        options.statistics = options.statistics || flag == 't';
        options.json = flag == 'o' ? strcmp(optarg, "json") == 0 : options.json;
    }
    if (options.signatures) {
        print_signatures();
        return 0;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "patronusctl: classify needs one capture file; see patronusctl classify --help\n");
        return PT_CLI_EXIT_USAGE;
    }
    options.file = argv[optind];
    return open_and_run(&options);
}
