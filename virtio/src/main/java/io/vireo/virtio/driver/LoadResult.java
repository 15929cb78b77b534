package io.vireo.virtio.driver;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a load saw in one run. Counts, bytes, time and latency are of the random part; the sweep at the end shows only
 * in the sectors verified and mismatched, and in what went wrong.
 *
 * @param unknownSectors sectors read whose content nobody could know, before they are first written for one
 * @param errors requests that did not end with status OK, UNSUPP included
 * @param complaints the first few mismatches and errors in words
 * @param failure why the run ended early: a stalled request, or a device that broke the specification
 */
public record LoadResult(long elapsedNanos, Map<LoadOperation, Long> requests, Map<LoadOperation, Long> errors,
        long bytesRead, long bytesWritten, LatencyHistogram latency, long verifiedSectors, long mismatchedSectors,
        long unknownSectors, List<String> complaints, Optional<String> failure, long kicks, long calls) {

    /** Whether everything was answered, without an error and as it should be. */
    public boolean clean() {
        return failure.isEmpty() && mismatchedSectors == 0 && errorsTotal() == 0 && complaints.isEmpty();
    }

    public long requestsTotal() {
        return requests.values().stream().mapToLong(Long::longValue).sum();
    }

    public long errorsTotal() {
        return errors.values().stream().mapToLong(Long::longValue).sum();
    }

    public double iops() {
        return requestsTotal() * 1e9 / Math.max(1, elapsedNanos);
    }

    public double bytesPerSecond() {
        return (bytesRead + bytesWritten) * 1e9 / Math.max(1, elapsedNanos);
    }
}
