package io.vireo.storage.file;

import io.vireo.storage.node.AioMode;

import java.util.EnumMap;
import java.util.Map;

/**
 * Which engine serves a request for one, and why it is not the one asked for.
 *
 * @param kind never AUTO
 * @param reason empty when it is the first choice; otherwise what refused those before it, for the log and the status
 */
public record AioChoice(AioMode kind, String reason) {
    private static final AioMode[] BEST_FIRST = {AioMode.IO_URING, AioMode.NATIVE, AioMode.THREADS};

    /** What was found not to work on this host, in words; what is absent works. THREADS always does. */
    public static final class Refusals {
        private final Map<AioMode, String> reasons = new EnumMap<>(AioMode.class);

        public Refusals refuse(AioMode mode, String reason) {
            if (mode == AioMode.AUTO || mode == AioMode.THREADS) throw new IllegalArgumentException("mode=" + mode);
            reasons.put(mode, reason);
            return this;
        }
    }

    /** The engine asked for, or the next in the order io_uring, native, threads that is not refused. */
    public static AioChoice of(AioMode requested, Refusals refusals) {
        StringBuilder reason = new StringBuilder();
        boolean reached = requested == AioMode.AUTO;
        for (AioMode mode : BEST_FIRST) {
            reached |= mode == requested;
            if (!reached) continue;
            String refusal = refusals.reasons.get(mode);
            if (refusal == null) return new AioChoice(mode, reason.toString());
            if (!reason.isEmpty()) reason.append("; ");
            reason.append("aio = ").append(mode.option()).append(" is refused: ").append(refusal);
        }
        throw new IllegalStateException("threads were refused");
    }

    /** What a file gets of it: Linux AIO would block in submit on one without O_DIRECT, so threads serve that. */
    public AioChoice forFile(boolean direct) {
        if (kind != AioMode.NATIVE || direct) return this;
        return new AioChoice(
                AioMode.THREADS, (reason.isEmpty() ? "" : reason + "; ") + "aio = native needs cache.direct = on");
    }
}
