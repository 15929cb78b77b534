package io.vireo.monitoring.metrics;

import java.util.List;
import java.util.Map;

/** A device whose every answer a test sets. */
final class FakeDevice implements DeviceView {
    final String name;
    Map<String, String> labels = Map.of("vm", "web17", "tenant", "blue");
    List<DeviceCounters> counters;
    String state = "running";
    boolean connected = true;
    int inflight;
    long oldestNanos;

    FakeDevice(String name, DeviceCounters... counters) {
        this.name = name;
        this.counters = List.of(counters);
    }

    @Override public String name() { return name; }

    @Override public Map<String, String> labels() { return labels; }

    @Override public String drive() { return "vm-root"; }

    @Override public List<String> ioThreads() { return List.of("io0", "io1"); }

    @Override public String state() { return state; }

    @Override public boolean clientConnected() { return connected; }

    @Override public List<DeviceCounters> counters() { return counters; }

    @Override public int inflightRequests() { return inflight; }

    @Override public long oldestRequestNanos() { return oldestNanos; }
}
