package io.vireo.daemon;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** What one thread of this process has used since a moment. */
record ThreadCost(long id, long cpuBefore, long allocatedBefore) {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static ThreadCost of(String name) {
        for (var thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread == null || !thread.getThreadName().equals(name)) continue;
            long id = thread.getThreadId();
            return new ThreadCost(id, THREADS.getThreadCpuTime(id), THREADS.getThreadAllocatedBytes(id));
        }
        throw new IllegalStateException("no thread " + name);
    }

    long cpuNanos() {
        return THREADS.getThreadCpuTime(id) - cpuBefore;
    }

    long allocatedBytes() {
        return THREADS.getThreadAllocatedBytes(id) - allocatedBefore;
    }
}
