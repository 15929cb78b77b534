package io.vireo.daemon;

import picocli.CommandLine.IVersionProvider;

/** The version that was built. */
final class Version implements IVersionProvider {
    static String current() {
        String built = Version.class.getPackage().getImplementationVersion();
        return built == null ? "unbuilt" : built;
    }

    @Override
    public String[] getVersion() {
        return new String[] {"vireo " + current()};
    }
}
