package io.vireo.storage.node;

/**
 * How worn storage is, as eMMC tells it (JESD84-B50).
 *
 * @param preEolInfo reserved blocks consumed: 0 not defined, 1 normal, 2 warning (80 %), 3 urgent (90 %)
 * @param typeA,typeB wear of SLC and of MLC cells, in tenths of their life begun: 1 to 10, 11 = exceeded, 0 not defined
 */
public record Lifetime(int preEolInfo, int typeA, int typeB) {
    public static final int PRE_EOL_INFO_MAX = 3;
    public static final int TYPE_MAX = 11;

    public Lifetime {
        if (preEolInfo < 0 || preEolInfo > PRE_EOL_INFO_MAX || !isType(typeA) || !isType(typeB)) {
            throw new IllegalArgumentException("reserved: " + preEolInfo + " " + typeA + " " + typeB);
        }
    }

    /** What storage says, with 0 for what the standard reserves. */
    public static Lifetime of(int preEolInfo, int typeA, int typeB) {
        boolean known = preEolInfo >= 0 && preEolInfo <= PRE_EOL_INFO_MAX;
        return new Lifetime(known ? preEolInfo : 0, isType(typeA) ? typeA : 0, isType(typeB) ? typeB : 0);
    }

    private static boolean isType(int value) {
        return value >= 0 && value <= TYPE_MAX;
    }

    /** As a request's answer: 16 bits each, the first lowest. */
    public long packed() {
        return preEolInfo | (long) typeA << 16 | (long) typeB << 32;
    }
}
