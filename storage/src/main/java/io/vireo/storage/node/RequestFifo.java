package io.vireo.storage.node;

/**
 * A queue of requests linked through themselves: unbounded, and it allocates nothing.
 *
 * <p>A request is in one such queue at a time, that of the node which holds it. Thread: one.
 */
public final class RequestFifo {
    private IoRequest head;
    private IoRequest tail;

    public boolean isEmpty() {
        return head == null;
    }

    public void add(IoRequest request) {
        assert request.next == null && request != tail : "request is queued already";
        if (head == null) head = request;
        else tail.next = request;
        tail = request;
    }

    /** The oldest request, left where it is; null when there is none. */
    public IoRequest peek() {
        return head;
    }

    /** Takes the oldest request; null when there is none. */
    public IoRequest poll() {
        IoRequest first = head;
        if (first == null) return null;
        head = first.next;
        if (head == null) tail = null;
        first.next = null;
        return first;
    }
}
