package io.vireo.test;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** One answer of the metrics address, in Prometheus's text format. */
public record Scrape(List<String> lines) {
    public static Scrape of(int port) {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                .timeout(Duration.ofSeconds(10))
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<Stream<String>> response = client.send(request, HttpResponse.BodyHandlers.ofLines());
            if (response.statusCode() != 200) throw new AssertionError("metrics answer " + response.statusCode());
            return new Scrape(response.body().toList());
        } catch (IOException e) {
            throw new AssertionError("no metrics at port " + port, e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A port that was free a moment ago. */
    public static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * The sum of a family's series that carry all the given labels; no such series is a failure.
     *
     * @param labels such as {@code device="vda"}
     */
    public double value(String family, String... labels) {
        List<String> series = series(family, labels);
        if (series.isEmpty()) {
            throw new AssertionError("no series " + family + List.of(labels) + " in\n" + String.join("\n", lines));
        }
        return series.stream().mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1))).sum();
    }

    /** Whether a family has a series that carries all the given labels. */
    public boolean has(String family, String... labels) {
        return !series(family, labels).isEmpty();
    }

    /** Requests of one kind that a device has served since its start; a rare kind has no series before its first. */
    public long requests(String device, String op) {
        String[] labels = {"device=\"" + device + "\"", "op=\"" + op + "\""};
        return has("vireo_device_requests_total", labels) ? (long) value("vireo_device_requests_total", labels) : 0;
    }

    /** Bytes that a device has moved since its start. */
    public long bytes(String device, String op) {
        return (long) value("vireo_device_request_bytes_total", "device=\"" + device + "\"", "op=\"" + op + "\"");
    }

    private List<String> series(String family, String... labels) {
        return lines.stream()
                .filter(line -> line.startsWith(family + "{") || line.startsWith(family + " "))
                .filter(line -> Stream.of(labels).allMatch(line::contains))
                .toList();
    }
}
