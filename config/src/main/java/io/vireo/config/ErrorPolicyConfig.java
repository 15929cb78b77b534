package io.vireo.config;

/** What becomes of requests that the drive fails; reads by {@code rerror}, everything else by {@code werror}. */
public record ErrorPolicyConfig(OnError rerror, OnError werror) {
    /** The words of QEMU's rerror= and werror=. */
    public enum OnError { REPORT, IGNORE, ENOSPC, STOP, AUTO }

    public static final ErrorPolicyConfig DEFAULT = new ErrorPolicyConfig(OnError.REPORT, OnError.ENOSPC);
}
