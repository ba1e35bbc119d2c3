/*
 * patronusd init: make a cluster.
 */
#include "node.h"

#include "crypto/identity.h"
#include "serve/setup.h"

#include <stdio.h>
#include <string.h>

enum pt_code make_addresses(const struct config *config, struct addresses *ret_addresses, struct pt_error *reterr)
{
    struct pt_ip ip;
    if (config->address[0] == '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "--address",
                       "say at which IP address others reach this controller, for example --address 192.0.2.1");
    }
    enum pt_code code = pt_ip_parse(config->address, &ip, reterr);
    if (code != PT_OK) {
        return pt_wrap(reterr, code, "--address");
    }
    config_endpoint(config->address, config->peer_port, ret_addresses->peer);
    config_endpoint(config->address, config->api_port, ret_addresses->api);
    config_endpoint(config->address, config->agent_port, ret_addresses->agent);
    memcpy(ret_addresses->peer_listen, ret_addresses->peer, 80);
    memcpy(ret_addresses->api_listen, ret_addresses->api, 80);
    memcpy(ret_addresses->agent_listen, ret_addresses->agent, 80);
    return PT_OK;
}

enum pt_code make_first(const struct process *process, struct pt_error *reterr)
{
    const struct config *config = process->config;
    struct addresses addresses;
    PT_TRY(make_addresses(config, &addresses, reterr));
    const struct pt_found_options options = {
        .level = (uint32_t)(config->level_max[0] != '\0' ? config->level_max[0] - '0' : 0),
        .directory = config->data,
        .seal_key_path = config->seal_key,
        .id = config->id[0] != '\0' ? config->id : "c1",
        .region = config->region,
        .peer_listen = addresses.peer_listen,
        .api_listen = addresses.api_listen,
        .agent_listen = addresses.agent_listen,
        .peer_address = addresses.peer,
        .api_address = addresses.api,
        .agent_address = addresses.agent,
    };
    if (pt_path_exists(process->sys, config->admin_file)) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, config->admin_file,
                       "the file for the admin credential exists; name another one with --admin-file");
    }
    config_make_parent(config->data);
    config_make_parent(config->seal_key);
    config_make_parent(config->admin_file);
    PT_AUTO(secret) struct pt_buf admin = {0};
    PT_TRY(pt_found_cluster(process->sys, &options, &admin, reterr));
    PT_TRY(pt_path_write(process->sys, config->admin_file, admin.data, admin.size, reterr));
    printf("The cluster is made.\n"
           "  admin credential  %s  (keep it secret)\n"
           "  seal key          %s  (keep a copy apart from backups of the data folder)\n"
           "  API               %s\n"
           "Next: patronusctl --server %s --credential %s cluster status\n",
           config->admin_file, config->seal_key, addresses.api, addresses.api, config->admin_file);
    (void)fflush(stdout);
    return PT_OK;
}
