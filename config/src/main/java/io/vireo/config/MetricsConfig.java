package io.vireo.config;

/** Where Prometheus finds us. {@code port} 0 = any free one. */
public record MetricsConfig(String host, int port, Origin origin) {
    public static final MetricsConfig DEFAULT = new MetricsConfig("127.0.0.1", 9464, Origin.PROGRAM);
}
