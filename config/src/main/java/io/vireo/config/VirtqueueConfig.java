package io.vireo.config;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A device's virtqueues and what is offered on them.
 *
 * @param count {@code num-queues}; {@link #AS_GIVEN} = as many as the VMM sets up, possible only when embedded
 * @param size {@code queue-size}: descriptors in each, a power of two
 */
public record VirtqueueConfig(int count, int size, Set<RingFeature> features) {
    public static final int AS_GIVEN = 0;
    public static final int COUNT_MAX = 256;
    public static final int SIZE_MIN = 2;
    public static final int SIZE_MAX = 32768;
    public static final VirtqueueConfig DEFAULT = new VirtqueueConfig(
            1, 256, Arrays.stream(RingFeature.values()).filter(RingFeature::usual).collect(Collectors.toSet()));

    public VirtqueueConfig {
        if (count < AS_GIVEN || count > COUNT_MAX) throw new IllegalArgumentException("num-queues=" + count);
        if (size < SIZE_MIN || size > SIZE_MAX || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("queue-size=" + size);
        }
        features = Set.copyOf(features);
    }

    public boolean offers(RingFeature feature) {
        return features.contains(feature);
    }

    public VirtqueueConfig withCount(int newCount) {
        return new VirtqueueConfig(newCount, size, features);
    }

    public VirtqueueConfig withSize(int newSize) {
        return new VirtqueueConfig(count, newSize, features);
    }

    public VirtqueueConfig with(RingFeature feature, boolean offered) {
        return new VirtqueueConfig(count, size, Arrays.stream(RingFeature.values())
                .filter(other -> other == feature ? offered : features.contains(other)).collect(Collectors.toSet()));
    }
}
