/*
 * Certificates for a benchmark's peers: a CA and one leaf for 127.0.0.1, so that etcd and our client can speak mTLS
 * with the same checks that our own servers get.
 *
 * Usage: bench_certs FOLDER   writes ca.pem, cert.pem, key.pem
 */
#include "crypto/identity.h"
#include "rpc/rpc.h"
#include "sys/sys_uv.h"

#include <stdio.h>

static int die(const struct pt_error *error)
{
    fprintf(stderr, "bench_certs: %s\n", error->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct pt_error error = {0};
    struct pt_sys *sys = NULL;
    struct pt_buf ca_key = {0}, ca_cert = {0}, key = {0}, csr = {0}, cert = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: bench_certs FOLDER\n");
        return 2;
    }
    if (pt_sys_uv_new(&sys, &error) != PT_OK) {
        return die(&error);
    }
    int64_t now = pt_sys_wall_ns(sys);
    struct pt_ip ip = pt_ip_from_v4(0x7f000001);
    static const char *const dns[] = {PT_RPC_SERVER_NAME, "localhost"};
    const struct pt_leaf_options options = {.spiffe_id = "spiffe://bench/controller/c1",
                                            .now_ns = now,
                                            .lifetime_ns = 24LL * 3600 * 1000000000LL,
                                            .ips = &ip,
                                            .ips_len = 1,
                                            .dns = dns,
                                            .dns_len = 2,
                                            .serial = 1};
    if (pt_ca_new("bench", now, &ca_key, &ca_cert, &error) != PT_OK || pt_key_new(&key, &error) != PT_OK ||
        pt_csr_new((const char *)key.data, &csr, &error) != PT_OK ||
        pt_leaf_sign((const char *)ca_key.data, (const char *)ca_cert.data, pt_buf_bytes(&csr), &options, &cert,
                     &error) != PT_OK) {
        return die(&error);
    }
    const struct {
        const char *name;
        const struct pt_buf *data;
    } files[] = {{"ca.pem", &ca_cert}, {"cert.pem", &cert}, {"key.pem", &key}};
    for (size_t i = 0; i < 3; i++) {
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], files[i].name);
        if (pt_path_write(sys, path, files[i].data->data, files[i].data->size, &error) != PT_OK) {
            return die(&error);
        }
    }
    return 0;
}
