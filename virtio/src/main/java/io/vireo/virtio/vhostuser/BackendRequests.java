package io.vireo.virtio.vhostuser;

import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.BitSet;

/**
 * What a front-end is to be told on the back-end's channel, and what it answered; no socket. A request that is asked for
 * again before it was sent is sent once. With REPLY_ACK one request at a time is on its way: nobody ever waits for an
 * answer, and a front-end that gives none makes the rest wait here, where it takes no room. Thread: one.
 */
public final class BackendRequests {
    private final BitSet calls = new BitSet();
    private final BitSet errs = new BitSet();
    private boolean configChanged;
    private long protocolFeatures;
    private BackendRequest unanswered;

    /** A new channel; what was not answered on the one before never will be. */
    public void connect(long agreedProtocolFeatures) {
        protocolFeatures = agreedProtocolFeatures;
        unanswered = null;
    }

    /** Of a channel that another process goes on with: what it has asked and not been answered, null for nothing. */
    public BackendRequest unanswered() {
        return unanswered;
    }

    /** Whether CONFIG_CHANGE_MSG is to be sent still. */
    public boolean isConfigChangePending() {
        return configChanged;
    }

    /** After {@link #connect}, to a channel on which another process has asked and not been answered. */
    public void await(BackendRequest asked) {
        unanswered = asked;
    }

    /** @param vring which one it is about; of no meaning for CONFIG_CHANGE_MSG */
    public void add(BackendRequest request, int vring) {
        switch (request) {
            case CONFIG_CHANGE_MSG -> configChanged = true;
            case VRING_CALL -> calls.set(vring);
            case VRING_ERR -> errs.set(vring);
        }
    }

    /** The next message to send, header and payload; null when there is none, or none before the answer to the last. */
    public byte[] next() {
        if (unanswered != null) return null;
        int vring;
        if (configChanged && understands(BackendRequest.CONFIG_CHANGE_MSG)) {
            configChanged = false;
            return message(BackendRequest.CONFIG_CHANGE_MSG, Payload.request(BackendRequest.CONFIG_CHANGE_MSG.id(), flags()));
        }
        if (!understands(BackendRequest.VRING_CALL)) return null;
        if ((vring = errs.nextSetBit(0)) >= 0) return state(BackendRequest.VRING_ERR, errs, vring);
        if ((vring = calls.nextSetBit(0)) >= 0) return state(BackendRequest.VRING_CALL, calls, vring);
        return null;
    }

    /**
     * The front-end's answer.
     *
     * @param reply a header and 8 bytes
     * @return null when the front-end obeyed; otherwise what it did not
     * @throws VhostUserException it is no answer to the last request: the channel cannot be used any more
     */
    public BackendRequest answered(byte[] reply) {
        BackendRequest asked = unanswered;
        if (asked == null) throw new VhostUserException(Fault.HEADER, "an answer on the back-end's channel to nothing");
        if (Payload.i32(reply, VhostUserLayout.HEADER_REQUEST) != asked.id()
                || Payload.i32(reply, VhostUserLayout.HEADER_FLAGS) != (VhostUserLayout.FLAG_VERSION | VhostUserLayout.FLAG_REPLY)
                || Payload.i32(reply, VhostUserLayout.HEADER_SIZE) != VhostUserLayout.U64_BYTES) {
            throw new VhostUserException(Fault.HEADER, "what came on the back-end's channel is no answer to " + asked);
        }
        unanswered = null;
        return Payload.i64(reply, VhostUserLayout.HEADER_BYTES) == 0 ? null : asked;
    }

    private boolean understands(BackendRequest request) {
        return (protocolFeatures & request.needs()) != 0;
    }

    private int flags() {
        boolean acknowledged = (protocolFeatures & ProtocolFeatures.REPLY_ACK) != 0;
        return VhostUserLayout.FLAG_VERSION | (acknowledged ? VhostUserLayout.FLAG_NEED_REPLY : 0);
    }

    private byte[] state(BackendRequest request, BitSet pending, int vring) {
        pending.clear(vring);
        return message(request, Payload.requestState(request.id(), flags(), vring));
    }

    private byte[] message(BackendRequest request, byte[] bytes) {
        if ((flags() & VhostUserLayout.FLAG_NEED_REPLY) != 0) unanswered = request;
        return bytes;
    }
}
