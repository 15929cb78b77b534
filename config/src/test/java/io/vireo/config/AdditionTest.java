package io.vireo.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is added to a configuration that runs is judged as one that starts, and beside what is there. */
class AdditionTest {
    @TempDir
    private Path folder;

    private Hocon hocon;
    private VireoConfig running;

    @BeforeEach
    void run() {
        hocon = new Hocon(folder);
        running = hocon.load("""
                vireo {
                  iothreads.io0 {}
                  drives { disk { driver = file, filename = disk.img }, none { driver = null-co } }
                  devices.vda { drive = disk, transport.path = vda.sock }
                  control.path = control.sock
                }
                """);
    }

    private VireoConfig add(String text) {
        return ConfigLoader.addition(hocon.file("more.conf", text), running, Set.of(0, 1));
    }

    private List<String> problems(String text) {
        String place = folder + "/more.conf:";
        return assertThrows(ConfigException.class, () -> add(text)).problems().stream()
                .map(problem -> problem.toString().replace(place, "")).toList();
    }

    @Test
    void mayReferToWhatRuns() {
        VireoConfig more = add("vireo.devices.vdb { drive = none, iothread = io0, transport.path = vdb.sock }");
        assertEquals(Set.of("vdb"), more.devices().keySet());
        assertEquals(Set.of(), more.drives().keySet());
        assertEquals(Set.of(), more.iothreads().keySet());
        assertEquals(Set.of("vda", "vdb"), running.plus(more).devices().keySet());
        assertEquals(running.devices(), running.plus(more).withoutDevice("vdb").devices());
        assertEquals(folder.resolve("vdb.sock"),
                ((TransportConfig.SocketPath) more.devices().get("vdb").transport().orElseThrow()).path());
    }

    @Test
    void mayNotTakeANameThatIsThere() {
        String right = "; allowed: a name that is free";
        assertEquals(List.of(
                        "1: vireo.iothreads.io0: 'io0' is there already" + right,
                        "2: vireo.drives.disk: 'disk' is there already" + right,
                        "3: vireo.devices.vda: 'vda' is there already" + right),
                problems("vireo.iothreads.io0 {}\nvireo.drives.disk { driver = null-co }\n"
                        + "vireo.devices.vda { drive = disk, transport.path = x.sock }"));
    }

    @Test
    void mayNotTakeASocketOrAnImageThatIsInUse() {
        assertEquals(List.of("1: vireo.devices.vdb.transport.path: " + folder + "/vda.sock is already the socket of device vda ("
                        + folder + "/vm.conf:4: vireo.devices.vda); allowed: a socket for each device"),
                problems("vireo.devices.vdb { drive = none, transport.path = vda.sock }"));
        assertEquals(List.of("2: vireo.devices.vdb.drive: 'more' would be in use twice: its image is that of device vda ("
                        + folder + "/vm.conf:4: vireo.devices.vda); allowed: one device, or several that are all read-only"),
                problems("vireo.drives.more { driver = file, filename = disk.img }\n"
                        + "vireo.devices.vdb { drive = more, transport.path = vdb.sock }"));
    }

    @Test
    void saysOnlyWhatCanBeAdded() {
        assertEquals(List.of("1: vireo.control: unknown key 'control'; allowed: devices, drives, iothreads"),
                problems("vireo.control.path = x.sock"));
        assertEquals(List.of("1: vireo.devices.vdb.drive: there is no drive 'nine'; did you mean none? allowed: none, disk"),
                problems("vireo.devices.vdb { drive = nine, transport.path = vdb.sock }"));
    }

    @Test
    void mayBeJsonWithItsBlockOrWithout() {
        String device = "{\"devices\":{\"vdb\":{\"drive\":\"none\",\"transport\":{\"path\":\"/run/vdb.sock\"}}}}";
        for (String text : List.of(device, "{\"vireo\":" + device + "}")) {
            assertEquals(Set.of("vdb"), ConfigLoader.addition(text, running, Set.of(0)).devices().keySet());
        }
        ConfigException wrong = assertThrows(
                ConfigException.class, () -> ConfigLoader.addition(device.replace("none", "nine"), running, Set.of(0)));
        assertEquals("what is to be added:1: devices.vdb.drive: there is no drive 'nine'; did you mean none? allowed: none, disk",
                wrong.problems().getFirst().toString());
    }
}
