package io.vireo.config;

import io.vireo.config.Emulation.Wear;
import io.vireo.config.ZonedConfig.Model;
import java.util.List;
import java.util.Optional;

/** Reads what a null-co or ram drive pretends to have. */
final class EmulationReader {
    private static final long ZONE_BYTES_MAX = 512L << 30;
    private static final int OPEN_MAX = 65535;

    private EmulationReader() {}

    /** @param wears whether it may say how worn it is */
    static Emulation read(Block block, long driveBytes, boolean wears) {
        boolean erases = block.read("secure-erase", false, Value.flag());
        Optional<Wear> lifetime = wears && block.says("lifetime") ? Optional.of(wear(block.block("lifetime"))) : Optional.empty();
        Optional<ZonedConfig> zoned = block.says("zoned") ? Optional.of(zoned(block.block("zoned"), driveBytes)) : Optional.empty();
        return new Emulation(erases, lifetime, zoned);
    }

    private static Wear wear(Block block) {
        var wear = new Wear(
                block.read("pre-eol-info", 0, Value.integer(0, 3)),
                block.read("type-a", 0, Value.integer(0, 11)),
                block.read("type-b", 0, Value.integer(0, 11)));
        block.finish();
        return wear;
    }

    private static ZonedConfig zoned(Block block, long driveBytes) {
        List<String> models = List.of("host-managed", "host-aware");
        String model = block.require("model", "host-managed", Value.word("model", models), String.join(", ", models));
        long size = block.read("zone-size", ZonedConfig.SIZE_BYTES, Value.sectors(512));
        if (Long.bitCount(size) != 1 || size > ZONE_BYTES_MAX) {
            block.problem("zone-size", "is not a power of two up to 512G", "allowed: as in 64M");
            size = ZonedConfig.SIZE_BYTES;
        }
        long count = (driveBytes + size - 1) / size;
        if (count > ZonedConfig.COUNT_MAX) {
            block.problem("zone-size", "makes " + count + " zones", "allowed: up to " + ZonedConfig.COUNT_MAX);
            count = ZonedConfig.COUNT_MAX;
        }
        long capacity = block.read("zone-capacity", size, Value.sectors(512));
        if (capacity > size) block.problem("zone-capacity", "is more than the zone", "allowed: up to " + size + " bytes");
        int open = block.read("max-open", 0, Value.integer(0, OPEN_MAX));
        int active = block.read("max-active", 0, Value.integer(0, ZonedConfig.COUNT_MAX));
        if (active != 0 && open > active) {
            block.problem("max-open", "is more than max-active: open zones are active", "allowed: up to " + active);
        }
        Value<Integer> zone = Value.integer(0, (int) count - 1);
        int conventional = block.read("conventional-zones", 0, Value.integer(0, (int) count));
        List<Integer> readOnly = block.list("read-only-zones", zone);
        List<Integer> offline = block.list("offline-zones", zone);
        for (String key : List.of("read-only-zones", "offline-zones")) {
            List<Integer> failed = key.startsWith("read") ? readOnly : offline;
            if (failed.stream().anyMatch(number -> number < conventional)) {
                block.problem(key, "names a conventional zone", "allowed: " + conventional + " to " + (count - 1));
            }
        }
        var zoned = new ZonedConfig(
                model.equals("host-managed") ? Model.HOST_MANAGED : Model.HOST_AWARE, size, capacity, conventional, open,
                active, block.read("max-append", Math.min(capacity, ZonedConfig.APPEND_BYTES), Value.sectors(0)), readOnly,
                offline);
        block.finish();
        return zoned;
    }
}
