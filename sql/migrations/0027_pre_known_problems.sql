-- A detector of that name is no more.
update known_problem set detectors = array_remove(detectors, 'steady_flow') where 'steady_flow' = any (detectors);
