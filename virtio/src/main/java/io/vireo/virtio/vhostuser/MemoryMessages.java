package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.ArrayList;
import java.util.List;

/** The messages that share the guest's memory. Each makes a new table, which the vrings go over to. Thread: the session's. */
final class MemoryMessages implements AutoCloseable {
    private final VhostUserBackend backend;
    private final VringMessages vrings;
    private MemoryTable table;

    MemoryMessages(VhostUserBackend backend, VringMessages vrings, MemoryTable empty) {
        this.backend = backend;
        this.vrings = vrings;
        table = empty;
    }

    void setMemTable(byte[] payload, List<Fd> fds) {
        long count = payload.length < VhostUserLayout.TABLE_REGIONS ? -1 : Payload.u32(payload, VhostUserLayout.TABLE_COUNT);
        // count is compared before it is multiplied, and 8 regions are the most
        if (count < 0 || count > VhostUserLayout.TABLE_REGIONS_MAX
                || payload.length != VhostUserLayout.TABLE_REGIONS + count * VhostUserLayout.REGION_BYTES) {
            throw new VhostUserException(Fault.PAYLOAD_SIZE,
                    "memory table of %d regions in %d bytes".formatted(count, payload.length));
        }
        if (count != fds.size()) {
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT,
                    "memory table of %d regions with %d descriptors".formatted(count, fds.size()));
        }
        List<RegionDescription> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(RegionDescription.read(payload, VhostUserLayout.TABLE_REGIONS + i * VhostUserLayout.REGION_BYTES));
        }
        use(MemoryTable.of(regions, fds));
    }

    void addMemReg(byte[] payload, List<Fd> fds) {
        use(table.with(slot(payload), fds.getFirst()));
    }

    void remMemReg(byte[] payload) {
        use(table.without(slot(payload)));
    }

    private static RegionDescription slot(byte[] payload) {
        return RegionDescription.read(payload, VhostUserLayout.SLOT_REGION);
    }

    private void use(MemoryTable next) {
        VirtqueueAreas[] areas;
        try {
            areas = vrings.translate(next);
        } catch (VhostUserException e) {
            next.close();
            throw e;
        }
        MemoryTable before = table;
        table = next;
        try {
            backend.useMemory(next.generation(), areas);
        } finally {
            before.close();
        }
        vrings.useMemory(next);
    }

    @Override
    public void close() {
        table.close();
    }
}
