package io.vireo.daemon;

import io.vireo.embed.Vireo;
import picocli.CommandLine.IVersionProvider;

/** The version that was built. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {"vireo " + Vireo.version()};
    }
}
