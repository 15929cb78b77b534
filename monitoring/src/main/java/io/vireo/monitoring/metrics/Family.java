package io.vireo.monitoring.metrics;

import io.prometheus.metrics.model.snapshots.MetricMetadata;

/** Every metric there is, with the name users see; the suffixes {@code _info} and {@code _total} are the format's and not said here. */
enum Family {
    BUILD("vireo_build", "Version of this process."),
    TAKEOVER_PAUSE("vireo_takeover_pause_seconds", "How long guests waited while this process took over from another."),
    LOG_SUPPRESSED("vireo_log_suppressed", "Log lines not written because guests or clients provoked too many."),

    DEVICE("vireo_device", "Labels of a device, its drive and the IOThreads that serve it."),
    DRIVE("vireo_drive", "A drive's driver, and the engine and cache mode in use."),
    DRIVE_READS("vireo_drive_read_bytes",
            "Bytes of reads by what answered: the page cache at once, or the engine (past the cache, not found in it, or over 64 KiB)."),
    DEVICE_STATE("vireo_device_state", "1 for the state the device is in."),
    CLIENT_CONNECTED("vireo_client_connected", "1 while a client has the device."),
    REQUESTS("vireo_device_requests", "Requests answered, failed ones included."),
    BYTES("vireo_device_request_bytes", "Bytes read, written, discarded or zeroed by requests that succeeded."),
    ERRORS("vireo_device_request_errors", "Requests that failed."),
    INFLIGHT("vireo_device_inflight_requests", "Requests taken from the guest and not yet answered."),
    DURATION("vireo_device_request_duration_seconds", "Time from taking a request to answering it."),
    OLDEST("vireo_device_oldest_request_seconds", "Age of the oldest request in flight, 0 without one."),
    THROTTLED("vireo_device_throttled_seconds", "Time requests were held back by throttling."),
    CPU("vireo_device_cpu_seconds", "Time IOThreads spent on the device."),
    KICKS("vireo_queue_kicks", "Notifications from the driver."),
    CALLS("vireo_queue_calls", "Notifications to the driver."),

    IOTHREAD_TIME("vireo_iothread_seconds", "Where an IOThread's time went."),
    IOTHREAD_TURNS("vireo_iothread_turns", "Turns of an IOThread's loop."),
    IOTHREAD_BATCHES("vireo_iothread_batch_requests", "Requests in a batch."),
    IOTHREAD_ENTERS("vireo_iothread_ring_enters", "System calls that entered the IOThread's ring."),
    IOTHREAD_AGE("vireo_iothread_last_turn_age_seconds", "How long the running turn has lasted, 0 while the IOThread sleeps.");

    final MetricMetadata metadata;

    Family(String name, String help) {
        metadata = new MetricMetadata(name, help);
    }
}
