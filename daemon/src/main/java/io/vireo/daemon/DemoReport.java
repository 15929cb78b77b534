package io.vireo.daemon;

import io.vireo.virtio.driver.LoadResult;
import java.io.IOException;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What a demo run comes to.
 *
 * @param cpuNanos of the IOThread
 * @param allocatedBytes by the IOThread
 */
record DemoReport(LoadResult result, long cpuNanos, long allocatedBytes, long seed, String metrics) {
    String table() {
        StringBuilder text = new StringBuilder();
        figures().forEach((name, value) -> text.append(String.format("%-24s %s%n", name.replace('_', ' '), shown(value))));
        result.complaints().forEach(complaint -> text.append("MISMATCH ").append(complaint).append('\n'));
        result.failure().ifPresent(failure -> text.append("FAILED ").append(failure).append('\n'));
        text.append(result.clean() ? "every sector read back was right\n" : "the data is NOT right\n");
        return text.toString();
    }

    String json() throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            figures().forEach((name, value) -> {
                json.writeName(name);
                switch (value) {
                    case Long number -> json.writeNumber(number);
                    case Double number -> json.writeNumber(number);
                    default -> json.writeString(value.toString());
                }
            });
            json.writeBooleanProperty("clean", result.clean());
            json.writeEndObject();
        }
        return text.append('\n').toString();
    }

    private Map<String, Object> figures() {
        long requests = Math.max(1, result.requestsTotal());
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("requests", result.requestsTotal());
        figures.put("errors", result.errorsTotal());
        figures.put("iops", rounded(result.iops()));
        figures.put("mb_per_second", rounded(result.bytesPerSecond() / 1e6));
        figures.put("p50_us", rounded(result.latency().nanosAt(0.50) / 1e3));
        figures.put("p99_us", rounded(result.latency().nanosAt(0.99) / 1e3));
        figures.put("p99.9_us", rounded(result.latency().nanosAt(0.999) / 1e3));
        figures.put("iothread_cpu_us_per_io", rounded(cpuNanos / 1e3 / requests));
        figures.put("allocated_bytes_per_io", rounded((double) allocatedBytes / requests));
        figures.put("verified_sectors", result.verifiedSectors());
        figures.put("mismatched_sectors", result.mismatchedSectors());
        figures.put("seed", Long.toString(seed));
        figures.put("metrics", metrics);
        return figures;
    }

    private static double rounded(double value) {
        return Math.round(value * 100) / 100.0;
    }

    private static String shown(Object value) {
        return value instanceof Double number ? String.format("%,.2f", number) : value instanceof Long number && number >= 0
                ? String.format("%,d", number) : value.toString();
    }
}
