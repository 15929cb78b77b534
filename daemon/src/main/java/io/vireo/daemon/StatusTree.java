package io.vireo.daemon;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A device's status for people: its own line, and one for each thing it is made of. */
final class StatusTree {
    private StatusTree() {}

    /** @param device as query-devices answers it */
    static String of(Map<?, ?> device) {
        StringBuilder text = new StringBuilder();
        text.append("device %s: %s, %s\n".formatted(device.get("device"), device.get("state"), client(device.get("client"))));
        Map<?, ?> drive = (Map<?, ?>) device.get("drive");
        String why = drive.get("aio-reason").equals("") ? "" : " (" + drive.get("aio-reason") + ")";
        text.append("  drive %s: %s, %s bytes%s, aio %s%s, cache %s\n".formatted(
                drive.get("node-name"), drive.get("driver"), device.get("size"),
                device.get("read-only").equals(true) ? ", read-only" : "", drive.get("aio"), why, drive.get("cache")));
        text.append(reads(drive.get("reads")));
        text.append("  %s, serial %s, rerror %s, werror %s\n".formatted(
                device.get("write-cache"), device.get("serial"), device.get("rerror"), device.get("werror")));
        String chosen = device.get("iothread-named").equals(true) ? "" : " of the default pool";
        for (Object each : (List<?>) device.get("queues")) text.append(queue((Map<?, ?>) each, chosen));
        text.append(String.format(Locale.ROOT, "  requests: %s; errors: %s; in flight %s, the oldest for %.1f s\n",
                counts(device.get("requests")), counts(device.get("errors")), device.get("in-flight"),
                ((Number) device.get("oldest-seconds")).doubleValue()));
        return text.toString();
    }

    /** A line of its own once something was read that may have come from the page cache. */
    private static String reads(Object reads) {
        if (!(reads instanceof Map<?, ?> from)) return "";
        long cache = ((Number) from.get("cache-bytes")).longValue();
        long all = cache + ((Number) from.get("engine-bytes")).longValue();
        if (all == 0) return "";
        return String.format(Locale.ROOT, "  reads: %,d bytes, %.1f %% of them from the page cache\n", all, 100.0 * cache / all);
    }

    private static String client(Object client) {
        return client instanceof Map<?, ?> peer ? "client of pid " + peer.get("pid") : "no client";
    }

    private static String queue(Map<?, ?> queue, String chosen) {
        String running = queue.get("running").equals(true)
                ? "%s entries, %s in flight".formatted(queue.get("size"), queue.get("in-flight")) : "not started";
        return "  queue %s on %s%s: %s, %s kicks, %s calls\n".formatted(
                queue.get("queue"), queue.get("iothread"), chosen, running, queue.get("kicks"), queue.get("calls"));
    }

    private static String counts(Object counts) {
        String text = ((Map<?, ?>) counts).entrySet().stream().map(each -> each.getKey() + " " + each.getValue())
                .collect(Collectors.joining(", "));
        return text.isEmpty() ? "none" : text;
    }
}
