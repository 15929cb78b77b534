package io.vireo.storage.node;

import io.vireo.posix.IoVec;
import io.vireo.storage.zone.ZoneSink;
import java.util.function.LongSupplier;
import java.util.function.IntConsumer;

/**
 * One operation on a block node. Pooled and refilled by its caller, so that a request costs no allocation.
 *
 * <p>Shape: an object is one request in flight at most. From submit to completion it and its buffers belong to the
 * node: the caller touches neither. Afterwards offset and length are as they were; {@link #data()} may have been
 * advanced past what was transferred (of a durable write that is durable, as a caller goes on from there after a
 * failure), and the two wishes that a node may deny may be gone. Units: bytes. Thread: the IOThread that submits it.
 */
public final class IoRequest {
    private final IoCompletion completion;
    private Operation operation;
    private long offsetBytes;
    private long lengthBytes;
    private IoVec data;
    private boolean durable;
    private boolean mayUnmap;

    private ZoneSink zones;
    private LongSupplier question;
    private long answer;

    private long nodeOffsetBytes;
    private IntConsumer syncFailure;
    private long dueNanos;
    IoRequest next;

    /** @param completion told of every request that this object will carry */
    public IoRequest(IoCompletion completion) {
        this.completion = completion;
    }

    /** Makes it a read of {@code data.totalBytes()} from {@code offsetBytes}. */
    public IoRequest read(long offsetBytes, IoVec data) {
        return set(Operation.READ, offsetBytes, data.totalBytes(), data, false, false);
    }

    /** Makes it a write; with {@code durable} it completes only when the data would survive a power failure. */
    public IoRequest write(long offsetBytes, IoVec data, boolean durable) {
        return set(Operation.WRITE, offsetBytes, data.totalBytes(), data, durable, false);
    }

    /** Makes it a flush: every write that completed before it is durable when it completes. */
    public IoRequest flush() {
        return set(Operation.FLUSH, 0, 0, null, false, false);
    }

    /** Makes it a discard: the range's content is of no more interest. */
    public IoRequest discard(long offsetBytes, long lengthBytes, boolean durable) {
        return set(Operation.DISCARD, offsetBytes, lengthBytes, null, durable, true);
    }

    /** Makes the range read as zeroes; with {@code mayUnmap} its space may be given back. */
    public IoRequest writeZeroes(long offsetBytes, long lengthBytes, boolean mayUnmap, boolean durable) {
        return set(Operation.WRITE_ZEROES, offsetBytes, lengthBytes, null, durable, mayUnmap);
    }

    /** Erases the range for good. */
    public IoRequest secureErase(long offsetBytes, long lengthBytes) {
        return set(Operation.SECURE_ERASE, offsetBytes, lengthBytes, null, false, false);
    }

    /** Asks how worn the storage is: {@link Lifetime#packed} is the answer. */
    public IoRequest lifetime() {
        answer = 0;
        return set(Operation.LIFETIME, 0, 0, null, false, false);
    }

    /** Asks for zones from the one with {@code offsetBytes} in it; the sink is told before this completes. */
    public IoRequest zoneReport(long offsetBytes, ZoneSink sink) {
        zones = sink;
        return set(Operation.ZONE_REPORT, offsetBytes, 0, null, false, false);
    }

    /** Appends {@code data} to the zone that begins at {@code zoneStartBytes}; where it went is the answer. */
    public IoRequest zoneAppend(long zoneStartBytes, IoVec data, boolean durable) {
        return set(Operation.ZONE_APPEND, zoneStartBytes, data.totalBytes(), data, durable, false);
    }

    /** Makes it one of the operations on the zone that begins at {@code zoneStartBytes}, or on all of them. */
    public IoRequest zone(Operation operation, long zoneStartBytes) {
        return set(operation, zoneStartBytes, 0, null, false, false);
    }

    private IoRequest set(
            Operation operation, long offsetBytes, long lengthBytes, IoVec data, boolean durable, boolean mayUnmap) {
        this.operation = operation;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.data = data;
        this.durable = durable;
        this.mayUnmap = mayUnmap;
        this.nodeOffsetBytes = offsetBytes;
        this.syncFailure = null;
        return this;
    }

    public Operation operation() {
        return operation;
    }

    /** Where the caller asked for it. Nodes look at {@link #nodeOffsetBytes()} instead. */
    public long offsetBytes() {
        return offsetBytes;
    }

    public long lengthBytes() {
        return lengthBytes;
    }

    /** The buffers of a read or a write; null otherwise. */
    public IoVec data() {
        return data;
    }

    public boolean durable() {
        return durable;
    }

    public boolean mayUnmap() {
        return mayUnmap;
    }

    /** What the node said, of an operation that has an answer. */
    public long answer() {
        return answer;
    }

    public void answer(long value) {
        answer = value;
    }

    /** Who is told of zones. */
    public ZoneSink zones() {
        return zones;
    }

    /** For a node that has to look for the answer: asked where it may block; answers 0 and more, or -errno. */
    public IoRequest asking(LongSupplier blocking) {
        question = blocking;
        return this;
    }

    public LongSupplier question() {
        return question;
    }

    /** Who is told the errno when what was written before could not be made durable; for nodes. */
    public IoRequest onSyncFailure(IntConsumer listener) {
        syncFailure = listener;
        return this;
    }

    /** What was written before could not be made durable; for engines. */
    public void syncFailed(int errno) {
        if (syncFailure != null) syncFailure.accept(errno);
    }

    /** Hands the request back to its caller; for nodes and engines. */
    public void complete(int errno) {
        completion.completed(this, errno);
    }

    /** Where the request is on the node that holds it now: moved by each node it passes on its way down. */
    public long nodeOffsetBytes() {
        return nodeOffsetBytes;
    }

    /** Moves the request by a window's start before it is handed to the node below. */
    public void shift(long bytes) {
        nodeOffsetBytes += bytes;
    }

    /** For a node that carries it out by another operation, elsewhere, of the node below. */
    public void passAs(Operation other, long nodeOffset) {
        operation = other;
        nodeOffsetBytes = nodeOffset;
    }

    /** For a node that never unmaps: the range keeps its space. */
    public void denyUnmap() {
        mayUnmap = false;
    }

    /** For a node that promises no durability: the request need not wait for it. */
    public void denyDurable() {
        durable = false;
    }

    /** A deadline for the node that holds the request; means nothing to anybody else. */
    public long dueNanos() {
        return dueNanos;
    }

    public void dueNanos(long dueNanos) {
        this.dueNanos = dueNanos;
    }

    @Override
    public String toString() {
        return operation + " offsetBytes=" + offsetBytes + " lengthBytes=" + lengthBytes + (durable ? " durable" : "")
                + (mayUnmap ? " mayUnmap" : "");
    }
}
