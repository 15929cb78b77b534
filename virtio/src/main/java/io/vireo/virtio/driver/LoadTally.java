package io.vireo.virtio.driver;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** Counts of one run. One thread counts; the four at the top may be read by any, and lag by one turn of the load. */
final class LoadTally {
    private static final int COMPLAINTS_MAX = 8;

    final AtomicLong progressRequests = new AtomicLong();
    final AtomicLong progressBytes = new AtomicLong();
    final AtomicLong progressVerified = new AtomicLong();
    final AtomicLong progressMismatched = new AtomicLong();

    private final long[] requests = new long[LoadOperation.ALL.length];
    private final long[] errors = new long[LoadOperation.ALL.length];
    private final LatencyHistogram latency = new LatencyHistogram();
    private final List<String> complaints = new ArrayList<>();
    private long completed;
    private long bytesRead;
    private long bytesWritten;
    private long verified;
    private long mismatched;
    private long unknown;
    private String failure;

    void completed(LoadOperation operation, int dataBytes, long nanos) {
        completed++;
        requests[operation.ordinal()]++;
        if (operation == LoadOperation.READ) bytesRead += dataBytes;
        if (operation == LoadOperation.WRITE) bytesWritten += dataBytes;
        latency.record(nanos);
    }

    void verified() {
        verified++;
    }

    void unknown() {
        unknown++;
    }

    void mismatched(long sector, String expected, String found) {
        mismatched++;
        if (hasRoom()) complain("sector " + sector + ": expected " + expected + ", found " + found);
    }

    void error(LoadOperation operation, String what) {
        errors[operation.ordinal()]++;
        if (hasRoom()) complain(what);
    }

    /** Whether the next complaint would be kept; saves making the words of those that are not. */
    boolean hasRoom() {
        return complaints.size() < COMPLAINTS_MAX;
    }

    void complain(String what) {
        if (hasRoom()) complaints.add(what);
    }

    void fail(String why) {
        failure = why;
    }

    void publishProgress() {
        progressRequests.setRelease(completed);
        progressBytes.setRelease(bytesRead + bytesWritten);
        progressVerified.setRelease(verified);
        progressMismatched.setRelease(mismatched);
    }

    LoadResult result(long elapsedNanos, long kicks, long calls) {
        LatencyHistogram copy = new LatencyHistogram();
        copy.add(latency);
        return new LoadResult(elapsedNanos, byOperation(requests), byOperation(errors), bytesRead, bytesWritten, copy,
                verified, mismatched, unknown, List.copyOf(complaints), Optional.ofNullable(failure), kicks, calls);
    }

    private static Map<LoadOperation, Long> byOperation(long[] counts) {
        Map<LoadOperation, Long> map = new EnumMap<>(LoadOperation.class);
        for (LoadOperation operation : LoadOperation.ALL) map.put(operation, counts[operation.ordinal()]);
        return map;
    }
}
