package io.vireo.storage.file;

import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixFile;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Who has a file open: an open file description's lock names no process, but /proc shows who is about.
 *
 * @param areSeen whether there is anybody to be named
 * @param words names and pids of the processes that have it open, or words for not being able to tell
 */
record ImageUsers(boolean areSeen, String words) {
    static ImageUsers of(Fd fd) {
        FileStatus image = PosixFile.status(fd);
        long own = ProcessHandle.current().pid();
        List<String> users = new ArrayList<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                boolean ourselves = process.getFileName().toString().equals(Long.toString(own));
                if (!ourselves && hasOpen(process, image)) users.add(name(process));
            }
        } catch (IOException | DirectoryIteratorException e) {
            return new ImageUsers(false, "a process that cannot be found, /proc being unreadable");
        }
        if (!users.isEmpty()) return new ImageUsers(true, String.join(", ", users));
        if (countOpen(Path.of("/proc", Long.toString(own)), image) > 1) {
            return new ImageUsers(true, "this process (pid " + own + ")");
        }
        return new ImageUsers(false, "a process that this user may not look into");
    }

    private static boolean hasOpen(Path process, FileStatus image) {
        return countOpen(process, image) > 0;
    }

    private static int countOpen(Path process, FileStatus image) {
        int count = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) if (isSame(descriptor, image)) count++;
        } catch (IOException | DirectoryIteratorException e) {
            return count; // gone meanwhile, or not ours to look into
        }
        return count;
    }

    private static boolean isSame(Path descriptor, FileStatus image) {
        try {
            Map<String, Object> facts = Files.readAttributes(descriptor, "unix:dev,ino");
            return ((Number) facts.get("dev")).longValue() == image.device()
                    && ((Number) facts.get("ino")).longValue() == image.inode();
        } catch (IOException e) {
            return false;
        }
    }

    private static String name(Path process) {
        String pid = process.getFileName().toString();
        try {
            return Files.readString(process.resolve("comm")).trim() + " (pid " + pid + ")";
        } catch (IOException e) {
            return "pid " + pid;
        }
    }
}
