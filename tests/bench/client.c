#include "client.h"

#include <stdio.h>
#include <string.h>

bool bench_client_open(struct pt_sys *sys, char *addresses, char *const files[3], struct bench_client *client)
{
    struct pt_buf pem[3] = {{0}};
    struct pt_error error = {0};
    for (size_t i = 0; i < 3; i++) {
        if (pt_path_read(sys, files[i], 65536, &pem[i], &error) != PT_OK) {
            fprintf(stderr, "bench: %s: %s\n", files[i], error.text);
            return false;
        }
        pt_buf_append_u8(&pem[i], 0); /* PEM is a C string further on */
    }
    char *rest = NULL;
    for (char *address = strtok_r(addresses, ",", &rest); address != NULL && client->len < BENCH_CHANNELS_MAX;
         address = strtok_r(NULL, ",", &rest)) {
        const struct pt_rpc_channel_options options = {.address = address,
                                                       .credentials = {.cert_pem = (const char *)pem[0].data,
                                                                       .key_pem = (const char *)pem[1].data,
                                                                       .ca_pem = (const char *)pem[2].data}};
        if (pt_rpc_channel_new(sys, &options, &client->channels[client->len++], &error) != PT_OK) {
            fprintf(stderr, "bench: %s: %s\n", address, error.text);
            return false;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        pt_buf_fini(&pem[i]);
    }
    return client->len > 0;
}
