/*
 * log.h - what the operator reads on standard error: one line a message.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

/* "sluice: " and the message; whole lines, from any thread. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
