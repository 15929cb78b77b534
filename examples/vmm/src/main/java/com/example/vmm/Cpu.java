package com.example.vmm;

/** A processor and the thread that is one: runs the guest, and does for it what it cannot do itself. */
final class Cpu implements AutoCloseable {
    final KvmVcpu vcpu;
    private final int id;
    private final PowerCycle cycle;
    private final Thread thread;
    /** 0 before it runs and after; a thread is only interrupted while it is neither. */
    private int threadId;

    Cpu(int id, KvmVcpu vcpu, PowerCycle cycle) {
        this.id = id;
        this.vcpu = vcpu;
        this.cycle = cycle;
        thread = Thread.ofPlatform().name("vcpu" + id).unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Leaves the guest, soon. */
    synchronized void interrupt() {
        if (threadId != 0) Libc.interrupt(threadId);
    }

    private void run() {
        try {
            begin();
            while (cycle.gate().pass()) {
                // An interruption between the gate and the guest is not lost: it waits for KVM_RUN, which then ends at once.
                if (vcpu.run()) handleExit();
                else Libc.forgetInterrupt();
            }
        } catch (InterruptedException e) {
            cycle.breakDown("cpu " + id + " was interrupted");
        } catch (RuntimeException | Error e) {
            cycle.breakDown("cpu " + id + ": " + e);
        } finally {
            end();
        }
    }

    private synchronized void begin() {
        Libc.blockInterrupts();
        vcpu.unblockAllSignalsInGuest();
        threadId = Libc.threadId();
    }

    /** The JVM unblocks all signals of a thread that ends: one that still waited would end the process. */
    private synchronized void end() {
        threadId = 0;
        Libc.forgetInterrupt();
    }

    private void handleExit() {
        switch (vcpu.exitReason()) {
            case KvmVcpu.EXIT_IO -> handlePorts();
            case KvmVcpu.EXIT_MMIO -> handleMemory();
            case KvmVcpu.EXIT_SHUTDOWN ->
                cycle.breakDown("cpu " + id + " has shut down: the guest could not handle a fault (triple fault)");
            case KvmVcpu.EXIT_FAIL_ENTRY ->
                cycle.breakDown("this host's KVM cannot run the guest on cpu " + id + " (failed entry, " + vcpu.exitDetail()
                    + "): it may be one that lacks 64-bit mode, or nested and incomplete");
            case KvmVcpu.EXIT_INTERNAL_ERROR ->
                cycle.breakDown("KVM gave up on cpu " + id + " (internal error, " + vcpu.exitDetail()
                    + "): the guest runs code where there is none, or the host's KVM is incomplete");
            default -> cycle.breakDown("cpu " + id + " left the guest, and we do not know why (" + vcpu.exitDetail() + ")");
        }
    }

    private void handlePorts() {
        for (int i = 0; i < vcpu.ioCount(); i++) {
            if (vcpu.ioIsWrite()) cycle.ports().write(vcpu.ioPort(), vcpu.ioValue(i));
            else vcpu.setIoValue(i, cycle.ports().read(vcpu.ioPort()));
        }
    }

    private void handleMemory() {
        if (vcpu.mmioIsWrite()) cycle.writeMemory(vcpu.mmioGpa(), vcpu.mmioBytes(), vcpu.mmioValue());
        else vcpu.setMmioValue(cycle.readMemory(vcpu.mmioGpa(), vcpu.mmioBytes()));
    }

    /** After the gate has ended. */
    @Override
    public void close() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // what it runs in must not be unmapped under it
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        vcpu.close();
    }
}
