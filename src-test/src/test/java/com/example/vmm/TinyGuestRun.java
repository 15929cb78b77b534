package com.example.vmm;

import com.typesafe.config.ConfigFactory;
import io.vireo.embed.Vireo;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Runs a {@link TinyGuest} of each kind named, on a disk in memory; ends with 0 when each has ended as it should. */
public final class TinyGuestRun {
    private static final long RAM_BYTES = 16L << 20;

    private TinyGuestRun() {}

    public static void main(String[] manners) throws Exception {
        String conf = "vireo { drives.d { driver = ram, size = 1M }, devices.vda { drive = d } }";
        for (String name : manners) {
            TinyGuest.Manners kind = TinyGuest.Manners.valueOf(name);
            try (Kvm kvm = Kvm.open("/dev/kvm");
                    Ram ram = new Ram(RAM_BYTES);
                    Vireo vireo = Vireo.builder().config(ConfigFactory.parseString(conf)).start();
                    Machine machine = new Machine(kvm, ram, 1,
                            new CopyOnWriteArrayList<>(List.of(new MmioDisk(0, vireo.open("vda"), ram))),
                            new FileOutputStream(FileDescriptor.out))) {
                System.out.println(name + " " + machine.run(new TinyGuest(kind), false));
                machine.disks().forEach(disk -> System.out.println(disk.figures()));
            }
        }
    }
}
