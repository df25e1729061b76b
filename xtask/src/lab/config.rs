//! The configuration file of a cluster. Each line was found to be needed, or says why it helps.

use super::certificate::Tls;
use super::packages::Libraries;
use super::state::{State, Store};
use std::path::Path;

/// Returns the text of `ceph.conf`.
pub(super) fn text(run: &Path, state: &State, libraries: &Libraries, tls: &Tls) -> String {
    let mut text = global(run, state, libraries);
    text.push_str(&daemons(run, state.store));
    text.push_str(&gateway(run, state, tls));
    for (name, value) in state.options.iter() {
        text.push_str(&format!("{name} = {value}\n"));
    }
    text
}

fn global(run: &Path, state: &State, libraries: &Libraries) -> String {
    format!(
        "[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon}/0]
public_network = 127.0.0.0/8
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
# Without keys there is no secure mode, which radosgw would ask for.
ms_mon_client_mode = crc
ms_mon_service_mode = crc
ms_mon_cluster_mode = crc
ms_bind_port_min = {osd_first}
ms_bind_port_max = {osd_last}
plugin_dir = {ceph}
osd_class_dir = {classes}
erasure_code_dir = {ceph}/erasure-code
run_dir = {run}
log_file = {run}/$type.log
admin_socket =
heartbeat_file =
log_to_stderr = false
# One OSD, one copy.
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
# A developer's disk is fuller than a storage node's.
mon_data_avail_crit = 1
mon_data_avail_warn = 2
",
        fsid = state.fsid,
        mon = state.ports.mon(),
        osd_first = state.ports.osd().start(),
        osd_last = state.ports.osd().end(),
        ceph = libraries.dir.join("ceph").display(),
        classes = libraries.dir.join("rados-classes").display(),
        run = run.display(),
    )
}

fn daemons(run: &Path, store: Store) -> String {
    format!(
        "[mon]
mon_data = {run}/mon
mon_osd_auto_mark_in = true
mon_osd_min_down_reporters = 1
# The first start takes 9 s with these three and 15 to 20 s without.
paxos_propose_interval = 0.05
paxos_min_wait = 0.02
mon_tick_interval = 1
[osd]
osd_data = {run}/osd
osd_objectstore = {store}
# 20 GiB, sparse.
bluestore_block_size = 21474836480
memstore_device_bytes = 8589934592
osd_memory_target = 939524096
osd_mclock_skip_benchmark = true
# Every write of a bucket waits for all gateways to hear of it; for one that was killed, 30 s.
osd_client_watch_timeout = 5
",
        run = run.display(),
        store = store.osd_objectstore(),
    )
}

fn gateway(run: &Path, state: &State, tls: &Tls) -> String {
    format!(
        "[client.rgw]
log_file = {run}/rgw.log
admin_socket = {run}/rgw.asok
rgw_data = {run}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{http} ssl_endpoint=127.0.0.1:{https} \
ssl_certificate={certificate} ssl_private_key={key}
rgw_dns_name = localhost
rgw_thread_pool_size = 64
# Give deleted space back within seconds, not hours: a full OSD makes writes hang.
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 60
",
        run = run.display(),
        http = state.ports.http(),
        https = state.ports.https(),
        certificate = tls.server_cert.display(),
        key = tls.server_key.display(),
    )
}
