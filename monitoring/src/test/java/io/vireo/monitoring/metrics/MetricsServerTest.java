package io.vireo.monitoring.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MetricsServerTest {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final VireoMetrics metrics = new VireoMetrics("1.2.3");
    private final HttpClient client = HttpClient.newHttpClient();
    private MetricsServer server;

    @BeforeAll
    static void hurry() {
        // Read once, when the first server starts.
        System.setProperty("sun.net.httpserver.maxReqTime", "1");
        System.setProperty("sun.net.httpserver.timerMillis", "100");
    }

    @BeforeEach
    void start() throws IOException {
        MeterBinding.bind(metrics, registry);
        metrics.add(new FakeDevice("vda", new DeviceCounters(1)));
        server = MetricsServer.start("127.0.0.1", 0, registry);
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
    }

    @Test
    void answersInPrometheusTextUnlessAskedOtherwise() throws Exception {
        try (var _ = new JvmMeters(registry)) {
            HttpResponse<String> plain = get("/metrics", "*/*");
            assertEquals(200, plain.statusCode());
            assertEquals("text/plain; version=0.0.4; charset=utf-8", plain.headers().firstValue("content-type").orElseThrow());
            assertTrue(plain.body().contains("vireo_device_requests_total{device=\"vda\",op=\"read\"} 0.0\n"), plain.body());
            assertTrue(plain.body().contains("jvm_memory_used_bytes") && plain.body().contains("process_uptime_seconds"), "JVM basics");
            assertFalse(plain.body().contains("# EOF"));
        }
    }

    @Test
    void answersInOpenMetricsWhenAsked() throws Exception {
        HttpResponse<String> open = get("/metrics", "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5");
        assertTrue(open.headers().firstValue("content-type").orElseThrow().startsWith("application/openmetrics-text"));
        assertTrue(open.body().endsWith("# EOF\n"), open.body());
        assertTrue(open.body().contains("# TYPE vireo_device_requests counter\n"), open.body());
        assertTrue(open.body().contains("# TYPE vireo_device info\n"), open.body());
        assertFalse(open.body().contains("_created"), "no series beyond the documented");
    }

    @Test
    void hasAWordAtTheRootAndNothingElsewhere() throws Exception {
        assertEquals(200, get("/", "*/*").statusCode());
        assertEquals(404, get("/metricsandmore", "*/*").statusCode());
        assertEquals(404, get("/x/metrics", "*/*").statusCode());
        HttpResponse<String> post = client.send(request("/metrics").POST(BodyPublishers.ofString("x=1")).build(), BodyHandlers.ofString());
        assertEquals(405, post.statusCode());
        assertEquals("GET, HEAD", post.headers().firstValue("allow").orElseThrow());
        HttpResponse<String> head = client.send(request("/metrics").HEAD().build(), BodyHandlers.ofString());
        assertEquals(200, head.statusCode());
        assertEquals("", head.body());
    }

    @Test
    void servesManyReadersAtOnceOrTellsThemToComeBack() throws Exception {
        var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
        for (int i = 0; i < 32; i++) answers.add(client.sendAsync(request("/metrics").build(), BodyHandlers.ofString()));
        int served = 0;
        for (var answer : answers) {
            int status = answer.get().statusCode();
            assertTrue(status == 200 || status == 503, "status " + status);
            if (status == 200) served++;
        }
        assertTrue(served >= 1, "nobody was served");
        assertEquals(200, get("/metrics", "*/*").statusCode(), "all places are free again");
    }

    @Test
    void cutsOffAClientThatSaysHalfARequest() throws Exception {
        try (var socket = new Socket(server.address().getAddress(), server.address().getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write("GET /metrics HT".getBytes(StandardCharsets.US_ASCII));
            int answer;
            try {
                answer = socket.getInputStream().read();
            } catch (SocketTimeoutException stillThere) {
                throw new AssertionError("the connection was kept", stillThere);
            } catch (SocketException reset) {
                answer = -1;
            }
            assertEquals(-1, answer, "the server hangs up without an answer");
        }
        assertEquals(200, get("/metrics", "*/*").statusCode());
    }

    @Test
    void namesTheAddressItCannotHave() {
        int taken = server.address().getPort();
        var refused = assertThrows(IOException.class, () -> MetricsServer.start("127.0.0.1", taken, registry));
        assertTrue(refused.getMessage().contains("127.0.0.1:" + taken), refused.getMessage());
    }

    @Test
    void listensNoMoreOnceClosed() {
        server.close();
        assertThrows(ConnectException.class, () -> get("/", "*/*"));
    }

    private HttpResponse<String> get(String path, String accept) throws Exception {
        return client.send(request(path).header("Accept", accept).build(), BodyHandlers.ofString());
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.address().getPort() + path));
    }
}
