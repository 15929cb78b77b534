package com.example.vmm;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What a processor is made of, in the order in which KVM wants it back: the deadline timer's MSR after the local APIC. */
final class CpuState {
    private record Part(Ioctl get, Ioctl set) {}

    private static final List<Part> BEFORE_MSRS = List.of(
            new Part(Ioctl.GET_MP_STATE, Ioctl.SET_MP_STATE),
            new Part(Ioctl.GET_REGS, Ioctl.SET_REGS),
            new Part(Ioctl.GET_SREGS, Ioctl.SET_SREGS),
            new Part(Ioctl.GET_XSAVE, Ioctl.SET_XSAVE),
            new Part(Ioctl.GET_XCRS, Ioctl.SET_XCRS),
            new Part(Ioctl.GET_DEBUGREGS, Ioctl.SET_DEBUGREGS),
            new Part(Ioctl.GET_LAPIC, Ioctl.SET_LAPIC));
    private static final Part AFTER_MSRS = new Part(Ioctl.GET_VCPU_EVENTS, Ioctl.SET_VCPU_EVENTS);
    private static final int MSR_BYTES = 24;

    private CpuState() {}

    static void save(KvmVcpu vcpu, int[] msrs, DataOutputStream out) throws IOException {
        for (Part part : BEFORE_MSRS) out.write(vcpu.get(part.get));
        List<byte[]> present = new ArrayList<>();
        for (int index : msrs) {
            byte[] msr = vcpu.msr(index);
            if (msr != null) present.add(msr);
        }
        out.writeInt(present.size());
        for (byte[] msr : present) out.write(msr);
        out.write(vcpu.get(AFTER_MSRS.get));
    }

    static void load(KvmVcpu vcpu, DataInputStream in) throws IOException {
        for (Part part : BEFORE_MSRS) vcpu.set(part.set, read(in, part.set.argumentBytes()));
        int count = in.readInt();
        // Some can only be read, and have their value anyway.
        for (int i = 0; i < count; i++) vcpu.setMsr(read(in, MSR_BYTES));
        vcpu.set(AFTER_MSRS.set, read(in, AFTER_MSRS.set.argumentBytes()));
    }

    static byte[] read(DataInputStream in, int bytes) throws IOException {
        byte[] state = new byte[bytes];
        in.readFully(state);
        return state;
    }
}
