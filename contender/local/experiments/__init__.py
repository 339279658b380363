"""SageMaker Experiments: experiments hold trials, trials share components, a component says what one job did."""
