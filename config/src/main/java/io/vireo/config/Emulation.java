package io.vireo.config;

import java.util.Optional;

/**
 * What a drive that is no real disk pretends to have of what real ones seldom have.
 *
 * @param secureErase whether ranges can be erased for good
 */
public record Emulation(boolean secureErase, Optional<Wear> lifetime, Optional<ZonedConfig> zoned) {
    public static final Emulation NONE = new Emulation(false, Optional.empty(), Optional.empty());

    /**
     * How worn it is.
     *
     * @param preEolInfo 0 to 3
     * @param typeA,typeB 0 to 11
     */
    public record Wear(int preEolInfo, int typeA, int typeB) {}
}
