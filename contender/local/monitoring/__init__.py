"""Monitoring schedules: SageMaker Model Monitor on this machine.

    CreateMonitoringSchedule ─► schedules ─► Monitoring (a clock) ─► an execution when it is due
        execution: window ─► captured folders ─► [merge with labels] ─► analysis, both processing jobs ─► last status

docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html
"""
