package io.vireo.monitoring.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/**
 * The HTTP door: {@code GET /metrics} as OpenMetrics when its {@code Accept} names that, else as Prometheus' text, a word
 * at {@code /}, nothing else.
 *
 * <p>Bounded: {@value #MAX_SCRAPES} answers at a time (503 beyond), {@value #MAX_CONNECTIONS} connections, and a peer that is slow
 * to ask or to read is cut off. Threads: virtual ones; a scrape waits for no IOThread.
 */
public final class MetricsServer implements AutoCloseable {
    private static final int MAX_SCRAPES = 8;
    private static final int MAX_CONNECTIONS = 64;
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    private static final String TEXT = "text/plain; charset=utf-8";

    static {
        // The server reads these once per JVM, and without them one client that says half a request holds its connection for ever.
        setDefault("sun.net.httpserver.maxReqTime", "10");
        setDefault("sun.net.httpserver.maxRspTime", "30");
        // How often it looks for them: an idle process should wake seldom.
        setDefault("sun.net.httpserver.timerMillis", "5000");
        setDefault("jdk.httpserver.maxConnections", Integer.toString(MAX_CONNECTIONS));
        // Head and body go out apart: else the second waits 40 ms for the peer's delayed acknowledgement of the first.
        setDefault("sun.net.httpserver.nodelay", "true");
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("metrics-", 0).factory());
    private final PrometheusMeterRegistry registry;
    private final Semaphore scrapes = new Semaphore(MAX_SCRAPES);

    private MetricsServer(HttpServer server, PrometheusMeterRegistry registry) {
        this.server = server;
        this.registry = registry;
    }

    /**
     * Serves {@code registry} at {@code host} and {@code port}; port 0 takes a free one.
     *
     * @throws IOException when the address cannot be had, naming it
     */
    public static MetricsServer start(String host, int port, PrometheusMeterRegistry registry) throws IOException {
        var address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) throw new UnknownHostException("there is no host '" + host + "'; allowed: an address of this machine");
        HttpServer http;
        try {
            http = HttpServer.create(address, 0);
        } catch (IOException refused) {
            throw new IOException("metrics: cannot listen on " + host + ":" + port + ": " + refused.getMessage(), refused);
        }
        var server = new MetricsServer(http, registry);
        http.setExecutor(server.threads);
        http.createContext("/", server::answer);
        http.start();
        return server;
    }

    /** Where it listens, with the port it got. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    /** Stops listening and drops the connections there are. */
    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String method = exchange.getRequestMethod();
            if (!method.equals("GET") && !method.equals("HEAD")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                send(exchange, 405, TEXT, "only GET and HEAD\n".getBytes(StandardCharsets.US_ASCII));
                return;
            }
            switch (exchange.getRequestURI().getPath()) {
                case "/metrics" -> scrape(exchange);
                case "/" -> send(exchange, 200, TEXT, "vireo: see /metrics\n".getBytes(StandardCharsets.US_ASCII));
                case null, default -> send(exchange, 404, TEXT, "not here: see /metrics\n".getBytes(StandardCharsets.US_ASCII));
            }
        }
    }

    private void scrape(HttpExchange exchange) throws IOException {
        if (!scrapes.tryAcquire()) {
            send(exchange, 503, TEXT, "too many scrapes at once\n".getBytes(StandardCharsets.US_ASCII));
            return;
        }
        try {
            String type = format(exchange.getRequestHeaders().getFirst("Accept"));
            var body = new ByteArrayOutputStream(64 << 10);
            registry.scrape(body, type);
            send(exchange, 200, type, body.toByteArray());
        } finally {
            scrapes.release();
        }
    }

    /** Two formats are offered, and both are text: protobuf pays off only for histograms we do not have. */
    private static String format(String accept) {
        return accept != null && accept.contains("application/openmetrics-text") ? OPEN_METRICS : PROMETHEUS;
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) System.setProperty(property, value);
    }
}
