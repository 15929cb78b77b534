/** What the data plane counts, and how Prometheus reads it: plain counters, a collector over them, an HTTP door. */
package io.vireo.monitoring.metrics;
