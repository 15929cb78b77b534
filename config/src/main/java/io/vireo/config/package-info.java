/** HOCON to small immutable records, validated once; every refusal names file, line and path. */
package io.vireo.config;
