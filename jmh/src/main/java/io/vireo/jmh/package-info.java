/** Micro-benchmarks of the data plane's parts. What a figure is per, is said by each: mostly per request, whatever the batch. */
package io.vireo.jmh;
