package io.vireo.virtio.driver;

/** How often each operation is drawn, as weights. What the disk did not offer is left out whatever its weight. */
public record RequestMix(int read, int write, int flush, int discard, int writeZeroes, int getId) {
    public static final RequestMix EVERYTHING = new RequestMix(45, 43, 3, 3, 4, 2);
    public static final RequestMix READ_WRITE = new RequestMix(50, 50, 0, 0, 0, 0);

    int weight(LoadOperation operation) {
        return switch (operation) {
            case READ -> read;
            case WRITE -> write;
            case FLUSH -> flush;
            case DISCARD -> discard;
            case WRITE_ZEROES -> writeZeroes;
            case GET_ID -> getId;
        };
    }
}
