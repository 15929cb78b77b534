package io.vireo.daemon;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.monitoring.qmp.JsonText;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TopIntervalTest {
    private static Map<String, Object> counters(long nanos, long requests, long bytes, List<Object> latencies, long busy) {
        return ordered(
                "nanos", nanos,
                "bucket-bounds-nanos", List.of(1000, 2000, 5000, Long.MAX_VALUE),
                "devices", List.of(ordered("device", "vda", "state", "running", "requests", requests, "bytes", bytes,
                        "latencies", latencies, "in-flight", 3)),
                "drives", List.of(
                        ordered("drive", "d", "reads", ordered("cache-bytes", bytes / 4, "engine-bytes", bytes)),
                        ordered("drive", "ram", "reads", null)),
                "iothreads", List.of(ordered("iothread", "io0", "busy-nanos", busy, "polling-nanos", 0, "idle-nanos", nanos - busy)));
    }

    @Test
    void isTheDifferenceOfTwoAnswersByTheTimeBetweenThem() {
        Map<String, Object> before = counters(10_000_000_000L, 100, 1_000_000, List.of(50, 50, 0, 0), 1_000_000_000L);
        Map<String, Object> after = counters(12_000_000_000L, 300, 9_000_000, List.of(50, 150, 98, 2), 1_500_000_000L);
        assertEquals("{\"seconds\":2.0,\"devices\":[{\"device\":\"vda\",\"state\":\"running\",\"iops\":100.0,\"mb-per-second\":4.0,"
                + "\"p50-us\":2.0,\"p99-us\":5.0,\"in-flight\":3}],"
                + "\"drives\":[{\"drive\":\"d\",\"read-mb-per-second\":5.0,\"cache-percent\":20.0},"
                + "{\"drive\":\"ram\",\"read-mb-per-second\":null,\"cache-percent\":null}],"
                + "\"iothreads\":[{\"iothread\":\"io0\",\"busy-percent\":25.0,\"polling-percent\":0.0,\"idle-percent\":75.0}]}",
                JsonText.of(new TopInterval(before, after).json()));
    }

    @Test
    void hasNoLatencyWithoutRequestsAndTheLastBoundForWhatIsLonger() {
        Map<String, Object> before = counters(0, 0, 0, List.of(0, 0, 0, 0), 0);
        assertTrue(JsonText.of(new TopInterval(before, before).json()).contains("\"p50-us\":null"));
        Map<String, Object> after = counters(1_000_000_000L, 1, 0, List.of(0, 0, 0, 1), 0);
        assertTrue(JsonText.of(new TopInterval(before, after).json()).contains("\"p99-us\":5.0"));
        assertTrue(new TopInterval(before, before).table().contains("vda"));
    }

    @Test
    void leavesOutWhatIsNotInBoth() {
        Map<String, Object> after = counters(1_000_000_000L, 1, 0, List.of(0, 0, 0, 1), 0);
        Map<String, Object> nothing = ordered("nanos", 0, "bucket-bounds-nanos", List.of(), "devices", List.of(), "drives", List.of(), "iothreads", List.of());
        assertEquals("{\"seconds\":1.0,\"devices\":[],\"drives\":[],\"iothreads\":[]}", JsonText.of(new TopInterval(nothing, after).json()));
    }
}
