package io.vireo.monitoring.metrics;

/** One IOThread as a scrape sees it; {@code name} is unique among them. */
public record IoThreadView(String name, IoThreadCounters counters) {}
