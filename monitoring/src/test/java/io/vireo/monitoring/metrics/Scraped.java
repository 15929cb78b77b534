package io.vireo.monitoring.metrics;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Prometheus' text, read back: a number per series, keyed by name and labels in alphabetical order. */
final class Scraped {
    private static final Pattern SAMPLE = Pattern.compile("([a-z_]+)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("([a-zA-Z0-9_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    final Map<String, Double> samples = new LinkedHashMap<>();
    final Map<String, String> types = new LinkedHashMap<>();
    final Map<String, String> helps = new LinkedHashMap<>();

    static Scraped of(VireoMetrics metrics) {
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (var _ = MeterBinding.bind(metrics, registry)) {
            return parse(registry.scrape());
        }
    }

    static Scraped parse(String text) {
        var scraped = new Scraped();
        text.lines().forEach(scraped::read);
        return scraped;
    }

    double value(String series) {
        Double value = samples.get(series);
        if (value == null) throw new AssertionError("no " + series + " among\n" + String.join("\n", samples.keySet()));
        return value;
    }

    List<String> seriesOf(String label) {
        return samples.keySet().stream().filter(series -> series.contains(label)).toList();
    }

    /** Metric names, each with the label names it is seen with. */
    Map<String, TreeSet<String>> shapes() {
        var shapes = new TreeMap<String, TreeSet<String>>();
        for (String series : samples.keySet()) {
            int brace = series.indexOf('{');
            var names = shapes.computeIfAbsent(brace < 0 ? series : series.substring(0, brace), _ -> new TreeSet<>());
            if (brace < 0) continue;
            for (String label : series.substring(brace + 1, series.length() - 1).split(",(?=[a-z]+=)")) names.add(label.split("=")[0]);
        }
        return shapes;
    }

    private void read(String line) {
        if (line.startsWith("# TYPE ")) {
            types.put(line.split(" ")[2], line.split(" ")[3]);
        } else if (line.startsWith("# HELP ")) {
            helps.put(line.split(" ")[2], line.split(" ", 4)[3]);
        } else {
            Matcher sample = SAMPLE.matcher(line);
            if (!sample.matches()) throw new AssertionError("not a sample: " + line);
            var labels = new TreeMap<String, String>();
            if (sample.group(2) != null) {
                Matcher label = LABEL.matcher(sample.group(2));
                while (label.find()) labels.put(label.group(1), label.group(2));
            }
            String key = labels.isEmpty() ? sample.group(1) : sample.group(1) + labels;
            if (samples.put(key.replace(", ", ","), number(sample.group(3))) != null) throw new AssertionError("twice: " + line);
        }
    }

    private static double number(String text) {
        return text.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(text);
    }
}
